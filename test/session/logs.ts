import { nextLine, type Tip, ZERO_HEAD } from '../../src/session/chain.ts';
import type { Entry, EventOf, SessionEvent } from '../../src/session/events.ts';
import { fold } from '../../src/session/fold.ts';
import type { Session } from '../../src/session/state.ts';

/** Short words for writing logs by hand in tests. One minute passes from event to event, where nothing else is said. */

export const START = Date.parse('2026-11-01T09:00:00Z');
export const LIMITS = { turns: 40, toolCalls: 120, outputTokens: 60_000, wallTimeMs: 7 * 86_400_000 };

export function entriesOf(events: readonly SessionEvent[], id = 's1', when = (_event: SessionEvent, i: number) => START + i * 60_000): Entry[] {
  let tip: Tip = { seq: 0, head: ZERO_HEAD };
  return events.map((event, i) => {
    const m = when(event, i);
    const at = new Date(m).toISOString();
    const { line, hash, seq } = nextLine(tip, at, id, event);
    tip = { seq, head: hash };
    return { seq, m, fence: 1, line, hash, at, event };
  });
}

export function sessionOf(events: readonly SessionEvent[], id = 's1', when?: (event: SessionEvent, i: number) => number): Session {
  const session = fold(id, entriesOf(events, id, when));
  if (!session) throw new Error('no events');
  return session;
}

/** What a tool is given as the record. */
export const recordOf =
  (events: readonly SessionEvent[] = [opened()]) =>
  () => ({
    session: sessionOf(events),
    jsonl: () => jsonlOf(events),
  });
export const jsonlOf = (events: readonly SessionEvent[]): string =>
  entriesOf(events)
    .map((e) => `${e.line}\n`)
    .join('');

export const opened = (prompt = 'Run it'): EventOf<'opened'> => ({
  type: 'opened',
  team: 'T1',
  channel: 'C0ML',
  thread: null,
  by: 'U1',
  prompt,
  alias: 'e-test',
  door: 'command',
  model: 'claude-sonnet-5-5',
});

export const replied = (saw: number, calls: { id: string; tool: string; input?: unknown }[] = [], text = 'Well.', stop?: string): EventOf<'replied'> => ({
  type: 'replied',
  model: 'claude-sonnet-5-5',
  saw,
  stop: stop ?? (calls.length > 0 ? 'tool_use' : 'end_turn'),
  content: [{ type: 'text', text }, ...calls.map((c) => ({ type: 'tool_use', id: c.id, name: c.tool, input: c.input ?? {} }))],
  calls: calls.map((c) => ({ id: c.id, tool: c.tool, input: c.input ?? {} })),
  usage: { input: 100, output: 20, cache_read: 0, cache_write: 0 },
  request_id: null,
});

export const DIGEST = 'a'.repeat(64);

export const asks = (call: string, approval = 's1/1', expiresAt = new Date(START + 86_400_000).toISOString()): EventOf<'call_parked'> => ({
  type: 'call_parked',
  call,
  waiting: {
    for: 'approval',
    approval,
    digest: DIGEST,
    arguments: { job_id: '101', parameters: { feature_set: 'v2' } },
    preview: {
      summary: 'Run job 101 (ads-train)',
      environment: 'dev',
      facts: [{ label: 'Job', value: 'ads-train' }],
      changes: [{ name: 'feature_set', from: 'v1', to: 'v2' }],
    },
    expires_at: expiresAt,
    need: 1,
  },
});

export const approved = (call: string, by = 'U2', approval = 's1/1'): EventOf<'approved'> => ({
  type: 'approved',
  call,
  approval,
  by,
  digest: DIGEST,
  votes: 1,
  need: 1,
});
export const denied = (call: string, by = 'U2', reason?: string): EventOf<'denied'> => ({
  type: 'denied',
  call,
  approval: 's1/1',
  by,
  digest: DIGEST,
  ...(reason ? { reason } : {}),
});

export const started = (call: string, tool = 'run_databricks_job', timeoutMs = 0): EventOf<'call_started'> => ({
  type: 'call_started',
  call,
  tool,
  key: 'k'.repeat(64),
  digest: DIGEST,
  approval: 's1/1',
  arguments: { job_id: '101', parameters: { feature_set: 'v2' } },
  timeout_ms: timeoutMs,
});

export const finished = (
  call: string,
  data: Record<string, unknown> = {},
  status: EventOf<'call_finished'>['outcome']['status'] = 'ok',
): EventOf<'call_finished'> => ({
  type: 'call_finished',
  call,
  outcome: { status, text: 'done', data },
});

export const waitsForJob = (call: string, deadline: string | null = null): EventOf<'call_parked'> => ({
  type: 'call_parked',
  call,
  waiting: { for: 'job', run_ids: ['7'], until: 'all', conditions: [], deadline },
});
export const waitsForAnswer = (call: string): EventOf<'call_parked'> => ({
  type: 'call_parked',
  call,
  waiting: { for: 'answer', question: 'Which?', options: [], to: 'U1', free_text: true },
});
export const told = (
  text: string,
  kind: EventOf<'told'>['kind'] = 'message',
  standing: EventOf<'told'>['standing'] = 'requester',
  by = 'U1',
): EventOf<'told'> => ({ type: 'told', by, text, ts: null, kind, standing });
