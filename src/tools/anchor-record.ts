import type { Session } from '../session/state.ts';
import type { Services } from './define-tool.ts';
import { withFinalHead } from './pull-request-text.ts';

/** What is anchored already, kept beside the log: anchors are projections, repaired after a crash and never doubled. */
type Anchored = {
  all(): Promise<Record<string, { hash: string }>>;
  set(slot: string, shown: { channel: string; ts: string | null; hash: string }): Promise<void>;
};

const TAG = 'labmate.record.sha256';

/**
 * Puts the final head of an ended session where others keep it: into the description of each pull request it opened and onto each MLflow run it
 * started. (The thread's final message carries it too.) A head that stands elsewhere is what makes a rewritten record visible.
 */
export async function anchorRecord(session: Session, services: Services, anchored: Anchored): Promise<void> {
  if (!session.ended) return;
  const slot = 'anchors';
  if ((await anchored.all())[slot]?.hash === session.head) return;
  for (const { repo, branch, number } of pullRequestsOf(session)) {
    const found = await services.github?.findPullRequest({ repo, branch });
    if (!found) continue;
    const body = withFinalHead(found.body, { lines: session.seq, head: session.head });
    if (body !== found.body) await services.github?.updatePullRequest({ repo, number, body });
  }
  for (const run of mlflowRunsOf(session)) await services.mlflow?.setTag(run, TAG, session.head);
  await anchored.set(slot, { channel: session.opened.channel, ts: null, hash: session.head });
}

function pullRequestsOf(session: Session): { repo: string; branch: string; number: number }[] {
  return [...session.calls.values()].flatMap((call) => {
    if (call.tool !== 'create_github_pr' || call.status.is !== 'finished' || call.status.outcome.status !== 'ok') return [];
    const { repo, branch } = call.started?.arguments ?? {};
    const number = call.status.outcome.data?.['number'];
    return typeof repo === 'string' && typeof branch === 'string' && typeof number === 'number' ? [{ repo, branch, number }] : [];
  });
}

/** The MLflow runs that the session's own training runs logged to, as its waits found them. */
function mlflowRunsOf(session: Session): string[] {
  const own = new Set(session.runs.map((r) => r.runId));
  const found = new Set<string>();
  for (const call of session.calls.values()) {
    if (call.status.is !== 'finished') continue;
    const { data } = call.status.outcome;
    const runs = Array.isArray(data?.['runs']) ? data['runs'] : data ? [data] : [];
    for (const run of runs as Record<string, unknown>[]) {
      if (typeof run['run_id'] !== 'string' || !own.has(run['run_id']) || !Array.isArray(run['mlflow_run_ids'])) continue;
      for (const id of run['mlflow_run_ids']) if (typeof id === 'string') found.add(id);
    }
  }
  return [...found];
}
