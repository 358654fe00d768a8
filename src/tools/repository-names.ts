import { ToolError } from './define-tool.ts';

/** Files that run or decide something by lying where they lie: a pull request of an experiment never brings them. */
const POWERFUL = [
  { is: /^\.git(\/|$)|\/\.git(\/|$)|(^|\/)git~\d/, why: "it is git's own folder" },
  { is: /(^|\/)\.git(modules|attributes|config)$/, why: 'it changes what git does' },
  {
    is: /^\.(github|gitlab|circleci|buildkite|husky|forgejo|gitea)(\/|$)|^\.gitlab-ci\.ya?ml$|^\.travis\.ya?ml$|^jenkinsfile$|^azure-pipelines\.ya?ml$/,
    why: 'it runs in CI',
  },
  { is: /(^|\/)codeowners$/, why: 'it decides who must review' },
];

/** Throws unless the path is a plain one inside a repository. */
export function checkPath(path: string): void {
  refuse(path, badPath(path), ['path']);
}

/** Throws unless the path may be written: a plain one, to a file that only lies there. `argument`: where it stands in what the tool was asked with. */
export function checkWritablePath(path: string, ...argument: readonly string[]): void {
  // Compared the way the most forgiving file system would: any case, one form for each character.
  const folded = path.normalize('NFKC').toLowerCase();
  refuse(path, badPath(path) ?? POWERFUL.find((p) => p.is.test(folded))?.why ?? null, argument);
}

/** Throws unless the ref is a plain branch, tag or commit name. */
export function checkRef(ref: string, argument = 'ref'): void {
  const why = badRef(ref);
  if (why) throw new ToolError('BAD_REF', `The ref ${quoted(ref)} can't be used: ${why}.`, 'give a branch, a tag or a commit sha, e.g. main.').about(argument);
}

/** Throws unless it is owner/name. */
export function checkRepository(repo: string): void {
  const [owner = '', name = '', ...rest] = repo.split('/');
  const fine = rest.length === 0 && /^[A-Za-z0-9][A-Za-z0-9-]{0,38}$/.test(owner) && /^[A-Za-z0-9._-]{1,100}$/.test(name) && !/^\.+$|\.git$/i.test(name);
  if (!fine) throw new ToolError('BAD_REPOSITORY', `${quoted(repo)} is not a repository name.`, 'give owner/name, e.g. acme/ads.').about('repo');
}

function refuse(path: string, why: string | null, argument: readonly string[]): void {
  const next = 'give a plain path inside the repository, e.g. configs/v2.json.';
  if (why) throw new ToolError('BAD_PATH', `The path ${quoted(path)} can't be used: ${why}.`, next).about(...argument);
}

function badPath(path: string): string | null {
  const unseen = oddCharacters(path);
  if (unseen) return unseen;
  if (path.length === 0 || path.length > 300) return 'it must have 1 to 300 characters';
  if (path.startsWith('/') || path.startsWith('~') || /^[A-Za-z]:/.test(path)) return 'it is absolute';
  if (path.startsWith('-')) return 'it looks like an option';
  for (const part of path.split('/')) {
    if (part === '' || part === '.' || part === '..') return 'it has an empty, "." or ".." part';
    // Some file systems drop these, and then the name is another one.
    if (/[. ]$|^ /.test(part)) return 'a part of it begins or ends with a space, or ends with a dot';
  }
  if (/(^|\/)\.{1,2}(\/|$)|\\/.test(path.normalize('NFKC'))) return 'it has a part that reads as ".."';
  return null;
}

function badRef(ref: string): string | null {
  const unseen = oddCharacters(ref);
  if (unseen) return unseen;
  if (ref.length === 0 || ref.length > 200) return 'it must have 1 to 200 characters';
  if (ref.startsWith('-')) return 'it looks like an option';
  if (!/^[A-Za-z0-9._/+@-]+$/.test(ref)) return 'it has characters a ref should not have';
  if (/\.\.|@\{|\/\/|^\/|\/$|\.$|(^|\/)\.|\.lock(\/|$)|^@$/.test(ref)) return 'git would not take it';
  return ref.startsWith('refs/') ? 'it is a full ref' : null;
}

function oddCharacters(text: string): string | null {
  if (!text.isWellFormed() || /[\p{C}\p{Zl}\p{Zp}\p{Default_Ignorable_Code_Point}]/u.test(text)) return 'it has invisible or control characters';
  if (text.includes('\\')) return 'it has a backslash';
  return /%[0-9a-f]{2}/i.test(text) ? 'it has encoded characters' : null;
}

function quoted(text: string): string {
  return JSON.stringify(text.length > 80 ? `${text.slice(0, 80)}…` : text).replace(/[\p{C}\p{Default_Ignorable_Code_Point}]/gu, '?');
}
