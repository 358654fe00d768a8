import { openCalls, type Session } from '../session/state.ts';
import type { About } from './reading.ts';

/** The line of a session in lists: at most about 1 KB, rebuildable from the log. */
export function aboutOf(s: Session, thread: string | null): About {
  const { alias, team, channel, by, prompt, at } = s.opened;
  const lastAt = s.ended?.at ?? [...s.replies.map((r) => r.at), ...s.told.map((t) => t.at), at].sort().at(-1) ?? at;
  const people = new Set([by, ...s.told.map((t) => t.by), ...[...s.approvals.values()].flatMap((a) => [...a.votes.map((v) => v.by), ...(a.by ? [a.by] : [])])]);
  return {
    session: s.id,
    alias,
    team,
    channel,
    thread: s.opened.thread ?? thread,
    by,
    prompt: prompt.slice(0, 400),
    state: stateWord(s),
    openedAt: at,
    changedAt: lastAt,
    endedAt: s.ended?.at ?? null,
    verdict: verdictOf(s),
    people: [...people].slice(0, 10),
    parameters: parametersOf(s),
  };
}

/** One word or two on where a session stands. */
export function stateWord(s: Session): string {
  if (s.ended) return s.ended.outcome;
  if (s.attention) return 'needs attention';
  const parked = openCalls(s).find((c) => c.status.is === 'parked');
  if (parked?.status.is === 'parked') {
    const { waiting } = parked.status;
    return { approval: 'waiting for approval', job: 'training', answer: 'waiting for an answer', retry: 'waiting to retry' }[waiting.for];
  }
  return s.retry ? 'waiting to retry' : 'working';
}

function verdictOf(s: Session): string | null {
  for (const call of [...s.calls.values()].reverse()) {
    if (call.tool !== 'compare_runs' || call.status.is !== 'finished') continue;
    const primary = call.status.outcome.data?.['primary'];
    if (primary && typeof primary === 'object' && 'verdict' in primary) return String(primary.verdict);
  }
  return null;
}

function parametersOf(s: Session): Record<string, string> {
  const all: Record<string, string> = {};
  for (const call of s.calls.values()) {
    const parameters = call.started?.arguments['parameters'];
    if (!parameters || typeof parameters !== 'object') continue;
    for (const [k, v] of Object.entries(parameters).slice(0, 12)) all[k] = String(v).slice(0, 60);
  }
  return all;
}
