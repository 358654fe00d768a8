import { z } from 'zod';
import { type Tripwire, tripwireSchema } from '../session/events.ts';
import { type Tripped, tripped, trippedFacts } from '../session/tripwire.ts';
import type { Command } from './commands.ts';
import { jsonOf } from './kept.ts';
import { type RunState, UNREADABLE } from './progress.ts';

/** One parked wait of one session. */
export type Wait = {
  session: string;
  call: string;
  parkedAt: string;
  runIds: string[];
  until: 'all' | 'any';
  conditions: Tripwire[];
  metric: string | null;
};

type Wake = Extract<Command, { do: 'wake' }>;

const waitSchema = z.object({
  run_ids: z.array(z.string()),
  until: z.enum(['all', 'any']),
  conditions: z.array(tripwireSchema).catch([]),
  metric: z.string().nullable().catch(null),
});

/** What this wait is to be told now. Pure. */
export function wakesOf(wait: Wait, known: ReadonlyMap<string, RunState>): { key: string; command: Wake }[] {
  const { session, call } = wait;
  const wakes: { key: string; command: Wake }[] = [];
  const add = (key: string, why: Wake['why'], data: Record<string, unknown>) =>
    wakes.push({ key: `${nameOf(wait)} ${key}`, command: { do: 'wake', session, call, why, data } });
  for (const [i, condition] of wait.conditions.entries()) {
    const found = wait.runIds.flatMap((runId): { runId: string; at: Tripped }[] => {
      const { histories, terminal = false } = known.get(runId) ?? {};
      const at = tripped(condition, histories?.[condition.metric] ?? [], terminal);
      return at ? [{ runId, at }] : [];
    })[0];
    if (found) add(`tripwire ${i}`, 'tripwire', trippedFacts(condition, found.runId, found.at));
  }
  const states = wait.runIds.map((run) => known.get(run));
  // Nobody can see any more how it ends, so there is nothing to wait for: the tool is asked again and says why.
  const unseen = states.some((state) => state?.status === UNREADABLE);
  const over = (state: RunState | undefined) => state?.terminal === true;
  if (unseen || (wait.until === 'all' ? states.every(over) : states.some(over)))
    add('job', 'job', { runs: wait.runIds.map((run, i) => ({ run_id: run, status: states[i]?.status ?? 'UNKNOWN' })) });
  return wakes;
}

/** Nothing more will be seen of it. */
export function isOver(state: RunState | undefined): boolean {
  return state !== undefined && (state.terminal || state.status === UNREADABLE);
}

/** The runs that are waited for, each once, with the metrics that anybody wants of it. */
export function wantedOf(waits: readonly Wait[]): { runId: string; metrics: string[] }[] {
  const wanted = new Map<string, Set<string>>();
  for (const wait of waits) {
    for (const run of wait.runIds) {
      const metrics = wanted.get(run) ?? new Set();
      for (const metric of [...(wait.metric ? [wait.metric] : []), ...wait.conditions.map((c) => c.metric)]) metrics.add(metric);
      wanted.set(run, metrics);
    }
  }
  return [...wanted].map(([runId, metrics]) => ({ runId, metrics: [...metrics] }));
}

/** A wait that is parked anew is another one. */
export function nameOf({ session, call, parkedAt }: Wait): string {
  return `${session} ${call} ${parkedAt}`;
}

/** The waits as they stand in Redis. One that cannot be read keeps no other from being watched. */
export function parseWaits(all: Record<string, string>): Wait[] {
  return Object.entries(all).flatMap(([field, value]) => {
    const [session = '', call = ''] = field.split(' ');
    const at = value.indexOf(' ');
    const parsed = waitSchema.safeParse(jsonOf(value.slice(at + 1)));
    if (!parsed.success) return [];
    const { run_ids, until, conditions, metric } = parsed.data;
    return [{ session, call, parkedAt: value.slice(0, at), runIds: run_ids, until, conditions, metric }];
  });
}
