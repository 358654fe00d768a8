import { isOfTheThing, UpstreamError } from '../services/http.ts';
import { producedRuns } from '../session/runs.ts';
import type { Session } from '../session/state.ts';
import type { ToolContext } from './define-tool.ts';
import { withFinalHead } from './pull-request-text.ts';
import { readRun } from './run-states.ts';

type Backends = Pick<ToolContext, 'services' | 'settings'>;

/** What is anchored already, kept beside the log: anchors are projections, repaired after a crash and never doubled. */
type Anchored = {
  all(): Promise<Record<string, { hash: string }>>;
  /** Throws where somebody else may be at it by now. */
  still(): Promise<void>;
  set(slot: string, shown: { channel: string; ts: string | null; hash: string }): Promise<void>;
};

const TAG = 'labmate.record.sha256';
/** For finding out about one run, all in all: with what is put then, no more than a turn at a thread lasts. */
const LOOK_MS = 20_000;

/** Between two attempts while a backend is away, or a run has not logged yet. */
const LEAST_MS = 2_000;
const MOST_MS = 600_000;
/** A run that was left running and has logged to no MLflow run for so long will not. */
const GIVE_UP_MS = 2 * 86_400_000;

/**
 * Puts the final head of an ended session where others keep it: into the description of each pull request it opened and onto each MLflow run it
 * started. (The thread's final message carries it too.) A head that stands elsewhere is what makes a rewritten record visible. Each stands by itself: what is refused
 * for good (the run was deleted, the repository is archived) is said once and counts as done; what fails otherwise is tried again, each time after twice as long.
 * Answers in how many ms; null when nothing is left to do.
 */
export async function anchorRecord(
  session: Session,
  backends: Backends,
  anchored: Anchored,
  now: number,
  warn: (facts: object, text: string) => void,
): Promise<number | null> {
  if (!session.ended) return null;
  const done = await anchored.all();
  let again: number | null = null;
  // As long again as it has been tried for, so nothing need be counted.
  const tried = now - session.lastM;
  const later = (atLeast = 0) => {
    const wait = Math.min(MOST_MS, Math.max(LEAST_MS, tried, atLeast));
    again = Math.min(again ?? wait, wait);
  };
  for (const { slot, put } of anchorsOf(session, backends)) {
    if (done[slot]?.hash === session.head) continue;
    // With slow backends the turn would be over before any is remembered, each time anew.
    await anchored.still();
    try {
      if (!(await put()) && tried < GIVE_UP_MS) {
        later();
        continue;
      }
    } catch (error) {
      const known = error instanceof UpstreamError ? error : null;
      // A login that is not accepted is mended by an operator.
      const forGood = isOfTheThing(error);
      warn({ session: session.id, slot, err: error }, `the head of a record could not be put where others keep it${forGood ? '' : '; tried again later'}`);
      if (!forGood) later(known?.retryAfterMs ?? 0);
      if (!forGood) continue;
    }
    await anchored.set(slot, { channel: session.opened.channel, ts: null, hash: session.head });
  }
  return again;
}

/** `put` answers whether it stands; false where there is nothing yet that it could be put on. */
function anchorsOf(session: Session, { services, settings }: Backends): { slot: string; put(): Promise<boolean> }[] {
  const { github, mlflow, databricks } = services;
  const { seq: lines, head } = session;
  const tag = async (run: string) => mlflow?.setTag(run, TAG, head);
  const runs = mlflow ? producedRuns(session) : [];
  return [
    ...pullRequestsOf(session).map(({ repo, branch, number }) => ({
      slot: `anchor:${repo}#${number}`,
      put: async () => {
        const found = await github?.findPullRequest({ repo, branch });
        const body = found && withFinalHead(found.body, { lines, head });
        if (body && body !== found.body) await github?.updatePullRequest({ repo, number, body });
        return true;
      },
    })),
    ...[...new Set(runs.flatMap((r) => r.mlflowIds))].map((run) => ({ slot: `anchor:${run}`, put: async () => tag(run).then(() => true) })),
    // Nobody waited for these to their end, so nobody has seen yet where they log.
    ...runs
      .filter((r) => r.mlflowIds.length === 0)
      .flatMap(({ runId }) => {
        if (!databricks) return [];
        const put = async () => {
          const reach = { services: { ...services, databricks }, settings, signal: AbortSignal.timeout(LOOK_MS) };
          // What MLflow refuses decides whether this is done.
          const { mlflow_run_ids: found = [], terminal } = await readRun(runId, reach, { thrown: true });
          for (const run of found) await tag(run);
          return found.length > 0 || terminal;
        };
        return [{ slot: `anchor:run ${runId}`, put }];
      }),
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
