import { UpstreamError } from '../services/http.ts';
import type { Session } from '../session/state.ts';
import type { Services } from './define-tool.ts';
import { withFinalHead } from './pull-request-text.ts';

/** What is anchored already, kept beside the log: anchors are projections, repaired after a crash and never doubled. */
type Anchored = {
  all(): Promise<Record<string, { hash: string }>>;
  set(slot: string, shown: { channel: string; ts: string | null; hash: string }): Promise<void>;
};

const TAG = 'labmate.record.sha256';

/** Between two attempts while a backend is away. */
const LEAST_MS = 2_000;
const MOST_MS = 600_000;

/**
 * Puts the final head of an ended session where others keep it: into the description of each pull request it opened and onto each MLflow run it
 * started. (The thread's final message carries it too.) A head that stands elsewhere is what makes a rewritten record visible. Each stands by itself: what is refused
 * for good (the run was deleted, the repository is archived) is said once and counts as done; what fails otherwise is tried again, each time after twice as long.
 * Answers in how many ms; null when nothing is left to do.
 */
export async function anchorRecord(
  session: Session,
  services: Services,
  anchored: Anchored,
  now: number,
  warn: (facts: object, text: string) => void,
): Promise<number | null> {
  if (!session.ended) return null;
  const done = await anchored.all();
  let again: number | null = null;
  for (const { slot, put } of anchorsOf(session, services)) {
    if (done[slot]?.hash === session.head) continue;
    try {
      await put();
    } catch (error) {
      const known = error instanceof UpstreamError ? error : null;
      const forGood = known !== null && !known.transient;
      warn({ session: session.id, slot, err: error }, `the head of a record could not be put where others keep it${forGood ? '' : '; tried again later'}`);
      // As long again as it has been tried for, so nothing need be counted.
      const wait = Math.min(MOST_MS, Math.max(LEAST_MS, now - session.lastM, known?.retryAfterMs ?? 0));
      if (!forGood) again = Math.min(again ?? wait, wait);
      if (!forGood) continue;
    }
    await anchored.set(slot, { channel: session.opened.channel, ts: null, hash: session.head });
  }
  return again;
}

function anchorsOf(session: Session, { github, mlflow }: Services): { slot: string; put(): Promise<void> }[] {
  const { seq: lines, head } = session;
  return [
    ...pullRequestsOf(session).map(({ repo, branch, number }) => ({
      slot: `anchor:${repo}#${number}`,
      put: async () => {
        const found = await github?.findPullRequest({ repo, branch });
        const body = found && withFinalHead(found.body, { lines, head });
        if (body && body !== found.body) await github?.updatePullRequest({ repo, number, body });
      },
    })),
    ...mlflowRunsOf(session).map((run) => ({ slot: `anchor:${run}`, put: async () => mlflow?.setTag(run, TAG, head) })),
  ];
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
