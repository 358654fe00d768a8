import { visible } from '../policy/outside-text.ts';
import { type Names, who } from '../session/people.ts';

/**
 * The model's Markdown as a pull request may carry it. It stays Markdown, but it mentions nobody, hides nothing and loads nothing.
 * Every rule holds inside code as well: a fence that we and GitHub read differently must not be a way around.
 */
export function safeMarkdown(text: string): string {
  return (
    visible(text)
      // GitHub mentions on @name and @org/team wherever no word goes before; "@ name" it lets be.
      .replace(/&(?:#0*64|#x0*40|commat);?/gi, '@')
      .replace(/(^|[^\p{L}\p{N}_])@(?=[\p{L}\p{N}_])/gu, '$1@ ')
      // HTML could hide text: comments, <details>, empty tags.
      .replace(/<(?=[A-Za-z/!?])/g, '&lt;')
      // A link definition is a line that no reader sees.
      .replace(/^([\s>*+\d.)-]*)\[(?=[^\]]{0,999}\]:)/gm, '$1\\[')
      // A picture is fetched from wherever the text says.
      .replaceAll('![', '[')
      .trim()
  );
}

/** A title: one line, nothing invisible. */
export function safeTitle(title: string): string {
  return visible(title).replace(/\s+/g, ' ').trim();
}

/** What a branch and a folder can be called after a title. */
export function slugOf(title: string): string {
  const slug = title
    .normalize('NFKD')
    .toLowerCase()
    .replace(/[^a-z0-9]+/g, '-')
    .slice(0, 40)
    .replace(/^-+|-+$/g, '');
  return slug || 'experiment';
}

export type RecordNote = { session: string; alias: string; requester: string; approvedBy: readonly string[]; recordPath: string; line: number; head: string };

/** The description as it is sent: the approved text, then under a rule what the record says and the host's own lines, then the mark it is found by. */
export function pullRequestBody(approved: string, note: RecordNote, facts = '', names: Names = new Map()): string {
  const approvers = note.approvedBy.length ? `approved by ${note.approvedBy.map((id) => who(id, names)).join(', ')}` : 'let through by a rule';
  return `${approved}

---
${facts && `${facts}\n\n`}Opened by labmate in session ${code(note.alias)}, asked for by ${who(note.requester, names)}, ${approvers}. What was done and why: ${code(`${note.recordPath}/README.md`)}
record so far: line ${note.line}, head ${note.head}
${markOf(note.session)}
`;
}

/** Adds the final head under the host's lines, or replaces it: written twice it is the same. */
export function withFinalHead(body: string, final: { lines: number; head: string }): string {
  const line = `final record: ${final.lines} lines, head ${final.head}`;
  const without = body.replace(/^final record: \d+ lines, head [0-9a-f]{64}\n/gm, '');
  const at = without.lastIndexOf('<!-- labmate session:');
  return at < 0 ? `${without.trimEnd()}\n\n${line}\n` : `${without.slice(0, at)}${line}\n${without.slice(at)}`;
}

function markOf(session: string): string {
  return `<!-- labmate session:${session.replace(/[^\w-]/g, '')} -->`;
}

function code(text: string): string {
  return `\`${visible(text).replaceAll('`', "'")}\``;
}
