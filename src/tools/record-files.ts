import { listed } from '../policy/listed.ts';
import type { GitHub } from '../services/github.ts';
import { namesIn } from '../session/people.ts';
import { report } from '../session/report.ts';
import { type SessionFacts, type ToolContext, ToolError } from './define-tool.ts';
import { type Curve, curveOf } from './pull-request-curve.ts';
import { hostFacts, type Picture } from './pull-request-facts.ts';
import { pullRequestBody, type RecordNote } from './pull-request-text.ts';

/** GitHub refuses a longer description; some is kept for the final head. */
const LONGEST_BODY = 65_000;

type File = { path: string; content: string | Uint8Array };
/** What the host puts beside the files that were approved: the record up to the approval, and the curve with its data where there is one. */
export type RecordFiles = { files: File[]; folder: string; curve: Curve | null };

export async function recordFiles(session: SessionFacts, folder: string): Promise<RecordFiles> {
  const record = session.record();
  const curve = await curveOf(record.session);
  const files: File[] = [
    { path: `${folder}/README.md`, content: report(record.session, session.call) },
    { path: `${folder}/record.jsonl`, content: record.jsonl() },
    ...(curve?.png ? [{ path: `${folder}/curve.png`, content: curve.png }] : []),
    ...(curve ? [{ path: `${folder}/chart.json`, content: curve.json }] : []),
  ];
  return { files, folder, curve };
}

/** `README.md, record.jsonl, curve.png and chart.json`. */
export function namesOf({ files, folder }: RecordFiles): string {
  const names = files.map((f) => f.path.slice(folder.length + 1));
  return `${folder}/${listed(names)}`;
}

/** The description: the approved text, what the record says, and the lines the pull request is found and checked by. */
export function describe(approved: string, session: SessionFacts, { folder, curve }: RecordFiles, blobs: string): string {
  const record = session.record().session;
  const names = namesIn(record);
  const note: RecordNote = {
    session: session.id,
    alias: session.alias,
    requester: session.requester,
    approvedBy: session.approvedBy,
    recordPath: folder,
    line: record.seq,
    head: record.head,
  };
  const picture: Picture | null =
    curve && (curve.png ? { url: `${blobs}/${encodeURI(folder)}/curve.png?raw=true`, alt: curve.alt } : { missing: curve.missing ?? '' });
  const bare = pullRequestBody(approved, note, '', names);
  return pullRequestBody(approved, note, hostFacts(record, picture, LONGEST_BODY - bare.length, names), names);
}

/** A branch of this name that was there before must hold what was approved, or something else would be proposed under its name. */
export async function checkOurs(
  hub: GitHub,
  at: { repo: string; branch: string },
  approved: readonly { path: string; content: string }[],
  added: RecordFiles,
  signal: ToolContext['signal'],
): Promise<void> {
  // What is told and drawn from the record may look otherwise by another worker's version and fonts, and is ours too.
  const ours = [...approved, ...added.files.filter((f) => f.path === `${added.folder}/record.jsonl`)];
  const found = await Promise.all(ours.map((f) => hub.getFile({ repo: at.repo, path: f.path, ref: at.branch }, signal)));
  if (ours.every((f, i) => found[i]?.text === f.content)) return;
  throw new ToolError(
    'BRANCH_TAKEN',
    `The branch ${at.branch} exists in ${at.repo} and holds something else than was approved.`,
    'ask a person to look at that branch.',
  );
}
