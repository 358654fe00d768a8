import { z } from 'zod';
import type { GitHub } from '../services/github.ts';
import { done, type SessionFacts, type ToolAnswer, type ToolContext, ToolError, writeTool } from './define-tool.ts';
import { cell, listed } from './markdown.ts';
import { type DocTable, hasColumn, newRow, rowOf, tablesOf, withRow } from './markdown-table.ts';
import { checkRepository, checkWritablePath } from './repository-names.ts';

/** Somebody else's commit to the same branch may come in between; then the file is read again. */
const TRIES = 3;

const argumentsSchema = z.object({
  repo: z.string(),
  path: z.string(),
  base: z.string(),
  branch: z.string(),
  row_key: z.string(),
  columns: z.record(z.string(), z.string()),
  /** The row's line as it stood; null: there was none. */
  row_before: z.string().nullable(),
  row_after: z.string(),
});
type Arguments = z.output<typeof argumentsSchema>;

export const updateTrackingDoc = writeTool({
  name: 'update_tracking_doc',
  title: 'Update a tracking document',
  description:
    "Adds or changes one row of a Markdown table in a repository, on this session's own branch (its pull request's, if any). Use when a result belongs in a tracking document. Not for whole files (create_github_pr) or a note on a run (tag_run). columns: header to value.",
  input: z.strictObject({
    repo: z.string().optional().describe('owner/name'),
    path: z.string().describe('the .md file'),
    row_key: z.string().min(1).max(200).describe("the row's first cell"),
    columns: z.record(z.string(), z.string().max(500)),
    branch: z.string().optional().describe('one that create_github_pr gave'),
  }),
  output: z.looseObject({
    status: z.string(),
    changed: z.boolean(),
    diff: z.string(),
    branch: z.string(),
    commit_sha: z.string().optional(),
    url: z.string().optional(),
  }),
  needs: ['github'],
  destructive: false,
  idempotent: true,
  // Sent twice it is one row: what is on the branch already is not written again, and what was read must still stand there.
  recovery: 'same-key',
  timeoutMs: 30_000,

  async plan(asked, ctx) {
    const session = sessionOf(ctx);
    const hub = ctx.services.github;
    const { defaults } = ctx.settings;
    const repo = asked.repo ?? defaults.repository;
    if (!repo)
      throw new ToolError('NO_REPOSITORY', 'No repository was named and none is configured.', 'ask which repository, then pass repo as owner/name.').about(
        'repo',
      );
    checkRepository(repo);
    checkWritablePath(asked.path, 'path');
    if (!/\.(md|markdown)$/i.test(asked.path))
      throw new ToolError('NOT_MARKDOWN', `${asked.path} is not a Markdown file.`, 'name one that ends in .md.').about('path');
    const base = (repo === defaults.repository ? defaults.base : undefined) ?? (await hub.getRepo(repo, ctx.signal)).defaultBranch;
    const branch = asked.branch === undefined ? ownBranch(repo, session) : checkOwn(asked.branch, session);
    const text = await read({ repo, path: asked.path, branch, base }, hub, ctx.signal);
    const table = tableFor(text, asked.path, Object.keys(asked.columns));
    const before = rowOf(text, table, asked.row_key);
    const after = newRow(table, before, asked.row_key, asked.columns);
    if (before === after)
      throw new ToolError('ALREADY_SO', `The row ${cell(asked.row_key)} of ${asked.path} says exactly this on ${branch}.`, 'go on; there is nothing to do.');
    const { row_key, columns } = asked;
    const args: Arguments = { repo, path: asked.path, base, branch, row_key, columns, row_before: before, row_after: after };
    return {
      kind: 'plan',
      arguments: args,
      touches: { repository: repo, branch, base, paths: [asked.path] },
      preview: {
        summary: `${before === null ? 'Add a row to' : 'Change a row of'} ${asked.path} in ${repo}: ${cell(asked.row_key)}`,
        facts: [
          { label: 'Repository', value: repo },
          { label: 'Branch', value: `${branch} (one commit; ${base} stays as it is until a person merges)` },
          { label: 'Table', value: table.header.join(' | ') },
        ],
        changes: [{ name: asked.row_key, from: before, to: after }],
        adds: [`the commit's message: Track ${cell(asked.row_key)} in ${asked.path}, by session ${session.alias}`],
      },
    };
  },

  async run(plan, ctx) {
    const args = argumentsSchema.parse(plan.arguments);
    const session = sessionOf(ctx);
    const hub = ctx.services.github;
    const message = `Track ${args.row_key} in ${args.path}\n\nBy labmate, session ${session.alias}`;
    for (let attempt = 0; attempt < TRIES; attempt++) {
      const stands = await stateOf(args, hub, ctx.signal);
      // Before it was claimed the row was not there, so it was this call that wrote it, and was cut off.
      if (stands.done) return updated(args);
      const content = withRow(stands.text, stands.table, args.row_before, args.row_after);
      const { repo, path, branch } = args;
      if (stands.branchExists) {
        const written = await hub.replaceFile({ repo, branch, path, was: stands.sha, content, message }, ctx.signal);
        if (written) return updated(args, written);
      } else {
        const { headSha, existed } = await hub.commitFiles({ repo, parent: stands.commit, branch, message, files: [{ path, content }] }, ctx.signal);
        if (!existed) return updated(args, { commit: headSha, url: null });
      }
    }
    throw new ToolError('BUSY_BRANCH', `${args.branch} changed ${TRIES} times while the row was written.`, 'try again in a minute.', true);
  },
});

type Stands = { done: true } | { done: false; text: string; sha: string; commit: string; table: DocTable; branchExists: boolean };

/** The row as it stands now: as approved before, as approved after, or else: then nothing is written. */
async function stateOf(args: Arguments, hub: GitHub, signal: AbortSignal): Promise<Stands> {
  const { repo, path, branch, base } = args;
  const branchExists = (await hub.getBranch({ repo, branch }, signal)) !== null;
  const file = await hub.getFile({ repo, path, ref: branchExists ? branch : base }, signal);
  const table = file && tableIn(file.text, Object.keys(args.columns));
  const row = file && table ? rowOf(file.text, table, args.row_key) : undefined;
  // Only a row on the branch itself is ours: the base may say the same by somebody else's hand.
  if (branchExists && row === args.row_after) return { done: true };
  if (file && table && row === args.row_before) return { done: false, text: file.text, sha: file.sha, commit: file.commit, table, branchExists };
  throw new ToolError(
    'ROW_CHANGED',
    `The row ${cell(args.row_key)} of ${path} on ${branch} is not what it was when it was approved.`,
    'call again, so that a person sees the change as it would be now.',
  );
}

function updated({ repo, path, branch, row_before, row_after, base }: Arguments, written?: { commit: string; url: string | null }): ToolAnswer {
  const diff = [...(row_before === null ? [] : [`- ${row_before}`]), `+ ${row_after}`].join('\n');
  const text = `Updated ${path} of ${repo} on ${branch}:\n${diff}\n${base} has it once that branch is merged.`;
  return done(text, {
    status: 'updated',
    changed: true,
    diff,
    branch,
    ...(written ? { commit_sha: written.commit } : {}),
    ...(written?.url ? { url: written.url } : {}),
  });
}

async function read(
  { repo, path, branch, base }: { repo: string; path: string; branch: string; base: string },
  hub: GitHub,
  signal: AbortSignal,
): Promise<string> {
  const ref = (await hub.getBranch({ repo, branch }, signal)) ? branch : base;
  const file = await hub.getFile({ repo, path, ref }, signal);
  if (file?.unreadable)
    throw new ToolError(
      'UNREADABLE',
      `${path} in ${repo} is ${file.unreadable === 'binary' ? 'not text' : 'larger than 1 MB'}.`,
      'ask which document is meant.',
    ).about('path');
  if (file) return file.text;
  const others = await hub.findFiles({ repo, name: path, ref }, signal);
  throw new ToolError(
    'NOT_FOUND',
    `${repo} has no file ${path} at ${ref}.`,
    others.length > 0 ? `ask whether ${listed(others, 10)} is meant.` : 'ask a person for the path.',
  ).about('path');
}

function tableIn(text: string, columns: readonly string[]): DocTable | undefined {
  return tablesOf(text).find((table) => columns.every((column) => hasColumn(table, column)));
}

function tableFor(text: string, path: string, columns: readonly string[]): DocTable {
  const table = tableIn(text, columns);
  if (table) {
    if (columns.some((column) => hasColumn({ ...table, header: table.header.slice(0, 1) }, column)))
      throw new ToolError('KEY_COLUMN', `The first column (${cell(table.header[0] ?? '')}) is the row's key.`, 'give it as row_key only.').about('columns');
    return table;
  }
  const headers = tablesOf(text).map((t) => t.header.map((name) => cell(name)).join(', '));
  if (headers.length === 0)
    throw new ToolError('NO_TABLE', `${path} holds no Markdown table.`, 'ask which document is meant; one can be added with create_github_pr.').about('path');
  throw new ToolError(
    'NO_SUCH_COLUMN',
    `No table of ${path} has all of ${listed(columns)}.`,
    `use the columns there are: ${headers.slice(0, 5).join('; or ')}.`,
  ).about('columns');
}

/** The branch of this session's latest pull request in the repository; before there is one, a branch for its tracking. By the record, so always the same for one call. */
function ownBranch(repo: string, session: SessionFacts): string {
  const opened = [...session.record().session.calls.values()]
    .map(({ tool, started }) => (tool === 'create_github_pr' ? started?.arguments : undefined))
    .findLast((args) => args?.['repo'] === repo);
  return opened ? String(opened['branch']) : `exp/tracking-${session.alias}`;
}

/** A branch of this session's, by the name that the host gave it. */
function checkOwn(branch: string, { alias }: SessionFacts): string {
  const own = branch === `exp/tracking-${alias}` || (/^exp\/[a-z0-9-]+$/.test(branch) && new RegExp(`-${alias}-[0-9a-f]{6}$`).test(branch));
  if (own) return branch;
  throw new ToolError(
    'NOT_OUR_BRANCH',
    `${cell(branch)} is not a branch of this session.`,
    'leave branch out, or give the one that create_github_pr answered with.',
  ).about('branch');
}

function sessionOf({ session }: ToolContext): SessionFacts {
  if (session) return session;
  throw new ToolError('NO_SESSION', 'There is no session here whose branch could be written to.', 'start the experiment in Slack.');
}
