import { createHash } from 'node:crypto';
import { z } from 'zod';
import type { GitHub, PullRequest } from '../services/github.ts';
import type { Preview } from '../session/events.ts';
import { done, type SessionFacts, type ToolAnswer, type ToolContext, ToolError, writeTool } from './define-tool.ts';
import { safeMarkdown, safeTitle, slugOf } from './pull-request-text.ts';
import { checkOurs, describe, namesOf, type RecordFiles, recordFiles } from './record-files.ts';
import { checkRef, checkRepository, checkWritablePath } from './repository-names.ts';
import { slackNames } from './slack-names.ts';

const MOST_BODY = 40_000;
const MOST_FILE = 200_000;
const MOST_FILES = 500_000;

const input = z.strictObject({
  repo: z.string().optional().describe('owner/name'),
  title: z.string().min(1).max(256),
  body: z.string().max(MOST_BODY).describe('Markdown'),
  base: z.string().optional().describe('branch to merge into'),
  files: z
    .array(z.strictObject({ path: z.string(), content: z.string().max(MOST_FILE) }))
    .max(20)
    .optional()
    .describe('whole text files'),
  draft: z.boolean().default(false),
  labels: z.array(z.string().min(1).max(50)).max(10).optional(),
  reviewers: z
    .array(z.string().refine((login) => /^[A-Za-z0-9][A-Za-z0-9-]{0,38}$/.test(login), 'a GitHub login'))
    .max(10)
    .optional()
    .describe('GitHub logins'),
});

/** What a person approves, and exactly what is sent; the record's files and the host's lines below the text are facts of the log. */
const argumentsSchema = z.object({
  repo: z.string(),
  title: z.string(),
  body: z.string(),
  base: z.string(),
  branch: z.string(),
  files: z.array(z.object({ path: z.string(), sha256: z.string(), bytes: z.number(), content: z.string() })),
  draft: z.boolean(),
  labels: z.array(z.string()),
  reviewers: z.array(z.string()),
});
type Arguments = z.output<typeof argumentsSchema>;

export const createGithubPr = writeTool({
  name: 'create_github_pr',
  title: 'Open a pull request',
  description:
    'Opens a GitHub pull request from a new branch that the host names, with files and the record of this session. ' +
    'Use when a result is worth merging or reviewing. body: the verdict in a sentence and why; the host adds the metric comparison, runs and parameters below it, so no table. ' +
    'Not for telling people a result (post_to_slack).',
  input,
  output: z.object({
    number: z.number(),
    url: z.string(),
    head_sha: z.string(),
    branch: z.string(),
    already_exists: z.boolean(),
    notes: z.array(z.string()),
  }),
  needs: ['github'],
  destructive: false,
  idempotent: false,
  // The branch is the key: its name is this call's own, GitHub lets nobody make it twice, and keeps one open pull request for it. So it may be sent again at once, and
  // goes on where it was cut off; only so a GitHub that takes seconds for each of a dozen answers can be given the time it needs.
  recovery: 'same-key',
  timeoutMs: 30_000,

  async plan(asked, ctx) {
    const session = sessionOf(ctx);
    const hub = ctx.services.github;
    const repo = asked.repo ?? ctx.settings.defaults.repository;
    if (!repo)
      throw new ToolError('NO_REPOSITORY', 'No repository was named and none is configured.', 'ask which repository, then pass repo as owner/name.').about(
        'repo',
      );
    checkRepository(repo);
    const base =
      asked.base ?? (repo === ctx.settings.defaults.repository ? ctx.settings.defaults.base : undefined) ?? (await hub.getRepo(repo, ctx.signal)).defaultBranch;
    checkRef(base, 'base');
    const head = await hub.getBranch({ repo, branch: base }, ctx.signal);
    if (!head) {
      throw new ToolError('NO_SUCH_BRANCH', `${repo} has no branch ${base} to merge into.`, 'leave base out, or name a branch that exists.').about('base');
    }
    const title = safeTitle(asked.title);
    if (!title || title.length > 256)
      throw new ToolError('BAD_TITLE', 'The title is empty or has more than 256 characters once it is safe to show.', 'give a short one.').about('title');
    const folder = recordFolder(title, session, ctx);
    const files = filesOf(asked.files ?? [], folder);
    const args: Arguments = {
      repo,
      title,
      body: bodyOf(asked.body),
      base,
      branch: branchOf(title, session),
      files,
      draft: asked.draft,
      labels: (asked.labels ?? []).map(safeTitle),
      reviewers: asked.reviewers ?? [],
    };
    // Drawn now as well, so that the card says what is added, and the libraries are warm when time counts.
    const added = await recordFiles(session, folder);
    return {
      kind: 'plan',
      arguments: args,
      touches: { repository: repo, branch: args.branch, base, paths: files.map((f) => f.path) },
      preview: { ...previewOf(args, await replacedAt(head.sha, args, hub, ctx.signal), added, ctx), ...(await peopleOf(session, ctx)) },
    };
  },

  async run(plan, ctx) {
    const args = argumentsSchema.parse(plan.arguments);
    const session = sessionOf(ctx);
    const hub = ctx.services.github;
    const { repo, base, branch, title, draft } = args;
    const at = { repo, branch };
    const [there, before, { url }] = await Promise.all([hub.getBranch(at, ctx.signal), hub.findPullRequest(at, ctx.signal), hub.getRepo(repo, ctx.signal)]);
    // Merged or closed already, and its branch deleted.
    if (before && !there) return await opened(before, args, hub, true, ctx.signal);
    const record = session.record().session;
    const added = await recordFiles(session, recordFolder(title, session, ctx));
    const files = [...args.files.map(({ path, content }) => ({ path, content })), ...added.files];
    const message = `${title}\n\nBy labmate, session ${session.alias}; record so far: line ${record.seq}, head ${record.head}`;
    const commit = there
      ? { headSha: there.sha, existed: true }
      : await hub.commitFiles({ repo, parent: await unmoved(args, session, hub, ctx.signal), branch, message, files }, ctx.signal);
    if (commit.existed) await checkOurs(hub, at, args.files, added, ctx.signal);
    const body = describe(args.body, session, added, `${url}/blob/${commit.headSha}`);
    const pull = await hub.openPullRequest({ repo, base, branch, title, draft, body }, ctx.signal);
    return await opened(pull, args, hub, pull.existed, ctx.signal);
  },
});

/** Those who approve are named by their votes; who asked, from here on. What is sent later takes both from the log. */
async function peopleOf(session: SessionFacts, { services, signal }: ToolContext): Promise<Pick<Preview, 'people'>> {
  const names = await slackNames([session.requester], services.slack, signal);
  return names.size > 0 ? { people: Object.fromEntries(names) } : {};
}

function sessionOf(ctx: ToolContext): SessionFacts {
  if (ctx.session) return ctx.session;
  throw new ToolError('NO_SESSION', 'A pull request carries the record of a session, and there is none here.', 'start the experiment in Slack.');
}

/** What stands at a commit where the files go, and a digest of it: a yes to replace these is no yes to replace others. */
async function replacedAt(commit: string, { repo, files }: Arguments, hub: GitHub, signal: AbortSignal) {
  const before = await Promise.all(files.map(({ path }) => hub.getFile({ repo, path, ref: commit }, signal)));
  const shas = before.map((file) => file?.sha ?? null);
  return { before, ...(files.length > 0 ? { target: createHash('sha256').update(JSON.stringify(shas)).digest('hex') } : {}) };
}

/** The base's commit, where its files are those that people were shown: between the yes and this moment GitHub may have been away for hours. */
async function unmoved(args: Arguments, session: SessionFacts, hub: GitHub, signal: AbortSignal): Promise<string> {
  const { repo, base } = args;
  const head = await hub.getBranch({ repo, branch: base }, signal);
  if (!head) throw new ToolError('NO_SUCH_BRANCH', `${repo} has no branch ${base} any more.`, 'ask which branch is meant.');
  const { calls, approvals } = session.record().session;
  const shown = approvals.get(calls.get(session.call)?.approval ?? '')?.preview.target;
  if (shown === undefined || shown === (await replacedAt(head.sha, args, hub, signal)).target) return head.sha;
  throw new ToolError(
    'FILES_CHANGED',
    `A file that is replaced has been changed on ${base} of ${repo} since it was approved, so nothing was written.`,
    'read the files, then call again, so that a person sees the change as it would be now.',
  );
}

/** A branch of this call's own: the same call always gets the same one, another call of the session another. */
function branchOf(title: string, session: SessionFacts): string {
  const mark = createHash('sha256').update(`${session.id}\n${session.call}`).digest('hex').slice(0, 6);
  return `exp/${slugOf(title)}-${session.alias}-${mark}`;
}

/** Dated by the session's first line and not by the clock, so that it is the same whenever it is asked for. */
function recordFolder(title: string, session: SessionFacts, { settings }: ToolContext): string {
  const day = session.record().session.opened.at.slice(0, 10);
  return `${settings.recordsPath.replace(/\/+$/, '')}/${day}-${slugOf(title)}-${session.alias}`;
}

function bodyOf(text: string): string {
  const body = safeMarkdown(text);
  if (body.length <= MOST_BODY + 4000 && body.isWellFormed()) return body;
  throw new ToolError(
    'BODY_TOO_LONG',
    `The description has ${body.length} characters once it is safe to show.`,
    'shorten it; the whole record is added anyway.',
  ).about('body');
}

function filesOf(files: { path: string; content: string }[], folder: string): Arguments['files'] {
  const taken = new Set<string>();
  for (const [i, { path, content }] of files.entries()) {
    checkWritablePath(path, 'files', String(i), 'path');
    const folded = path.normalize('NFKC').toLowerCase();
    const refuse = (why: string) =>
      new ToolError('BAD_PATH', `The path ${path} can't be used: ${why}.`, 'leave it out or name it otherwise.').about('files', String(i));
    if (taken.has(folded)) throw refuse('it is given twice');
    if ([...taken].some((t) => t.startsWith(`${folded}/`) || folded.startsWith(`${t}/`))) throw refuse('it is a file and a folder at once');
    if (folded === folder.toLowerCase() || folded.startsWith(`${folder.toLowerCase()}/`)) throw refuse("the record's folder is written by the host");
    if (!content.isWellFormed()) throw refuse('its content is not text');
    taken.add(folded);
  }
  const made = files.map(({ path, content }) => ({
    path,
    sha256: createHash('sha256').update(content).digest('hex'),
    bytes: Buffer.byteLength(content),
    content,
  }));
  const bytes = made.reduce((sum, f) => sum + f.bytes, 0);
  if (bytes > MOST_FILES)
    throw new ToolError(
      'FILES_TOO_LARGE',
      `The files have ${bytes} bytes; at most ${MOST_FILES} go into one pull request.`,
      'send fewer or smaller files.',
    ).about('files');
  return made;
}

function previewOf(args: Arguments, { before, ...target }: Awaited<ReturnType<typeof replacedAt>>, added: RecordFiles, { settings }: ToolContext): Preview {
  const { repo, base, branch, title, body, draft, labels, reviewers } = args;
  const changes = args.files.map(({ path, bytes }, i) => {
    const file = before[i];
    return { name: path, from: file ? `${file.size} bytes (${file.sha.slice(0, 7)})` : null, to: `${bytes} bytes` };
  });
  const facts = [
    { label: 'Repository', value: repo },
    { label: 'Into', value: base },
    { label: 'Branch', value: `${branch} (new, one commit)` },
    ...(draft ? [{ label: 'Draft', value: 'yes' }] : []),
    ...(labels.length ? [{ label: 'Labels', value: labels.join(', ') }] : []),
    ...(reviewers.length ? [{ label: 'Reviewers', value: reviewers.join(', ') }] : []),
    { label: 'Description', value: body.length > 600 ? `${body.slice(0, 600).toWellFormed()}… (${body.length} characters in all)` : body || '(empty)' },
  ];
  const adds = [
    `the record so far (${namesOf(added)})`,
    'under the description its figures and curve, its line and head, who approved, and a hidden session mark',
    "to the commit's message the session, line and head",
    ...(settings.anchors === false ? [] : ['when the experiment has ended, its final head under the description']),
  ];
  return { summary: `Open a pull request in ${repo}: ${title}`, facts, changes, adds, ...target };
}

async function opened(pull: PullRequest, args: Arguments, hub: GitHub, existed: boolean, signal: AbortSignal): Promise<ToolAnswer> {
  const { repo, labels, reviewers, branch } = args;
  // The pull request is there: nothing that goes wrong from here on may make it look as if it were not.
  const notes = await hub.decorate({ repo, number: pull.number, labels, reviewers }, signal).catch(() => ['Labels and reviewers could not be set in time.']);
  const text = `${existed ? 'The pull request is open already' : 'Opened pull request'} #${pull.number} in ${repo}: ${pull.url}${notes.map((n) => `\n${n}`).join('')}`;
  return done(text, { status: 'opened', number: pull.number, url: pull.url, head_sha: pull.headSha, branch, already_exists: existed, notes });
}
