import type { SessionEvent } from '../../src/session/events.ts';
import type { Session } from '../../src/session/state.ts';
import { DIGEST, sessionOf } from '../session/logs.ts';

/** A session with everything in it that a thread can show; each text from outside is one of `texts`. */
export function build(texts: string[], many: number, end: boolean, decide: string): Session {
  const at = (i: number) => texts[i % texts.length] || 'x';
  const preview = {
    summary: at(0),
    environment: at(1),
    facts: Array.from({ length: many }, (_, i) => ({ label: at(i), value: at(i + 1) })),
    changes: Array.from({ length: many }, (_, i) => ({ name: at(i + 2), from: at(i + 3), to: at(i + 4) })),
    last: { what: at(6), changes: Array.from({ length: many }, (_, i) => ({ name: at(i + 3), from: at(i + 4), to: at(i + 5) })) },
    adds: [at(7), at(8)],
    why: at(5),
  };
  const call = (id: string, tool: string, input: unknown = {}) => ({ id, tool, input });
  const gated = Array.from({ length: Math.min(7, many) }, (_, i) => call(`c${i}`, at(i)));
  const decision = { call: 'c0', approval: 's1/c0', by: 'U2', digest: DIGEST };
  const events: SessionEvent[] = [
    { type: 'opened', team: 'T1', channel: 'C0ML', thread: null, by: 'U1', prompt: at(6), alias: 'e-test', door: 'command', model: at(7) },
    {
      type: 'replied',
      model: 'm',
      saw: 1,
      stop: 'tool_use',
      content: [{ type: 'text', text: at(8) }],
      calls: [...gated, call('ask', 'ask_person'), call('cmp', 'compare_runs'), call('rest', 'wait_for_job')],
      usage: { input: 0, output: 0, cache_read: 0, cache_write: 0 },
      request_id: null,
    },
    ...gated.map(
      (c): SessionEvent => ({
        type: 'call_parked',
        call: c.id,
        waiting: {
          for: 'approval',
          approval: `s1/${c.id}`,
          digest: DIGEST,
          arguments: { text: at(9), many: Array.from({ length: many }, (_, i) => at(i)) },
          preview,
          expires_at: '2026-11-02T09:00:00.000Z',
          need: 2,
        },
      }),
    ),
    {
      type: 'call_parked',
      call: 'ask',
      waiting: { for: 'answer', question: at(10), options: texts.slice(0, 8).map((o) => o || 'x'), to: 'U1', free_text: true },
    },
    { type: 'call_parked', call: 'rest', waiting: { for: 'retry', at: '2026-11-01T10:00:00.000Z', why: at(11), upstream: at(12), attempt: 1 } },
    { type: 'call_finished', call: 'cmp', outcome: { status: 'ok', text: at(13), data: comparison(at, many) } },
    { type: 'told', by: 'U1', text: at(14), ts: null, kind: 'message', standing: 'requester' },
    { type: 'noted', about: 'attention', text: at(15) },
    ...(decide === 'approved' ? [{ type: 'approved' as const, ...decision, votes: 1, need: 2 }] : []),
    ...(decide === 'denied' ? [{ type: 'denied' as const, ...decision, reason: at(3) }] : []),
    ...(decide === 'expired' ? [{ type: 'expired' as const, call: 'c0', approval: 's1/c0' }] : []),
    ...(decide === 'withdrawn' ? [{ type: 'withdrawn' as const, call: 'c0', approval: 's1/c0', by: 'U1', of: 'question' as const }] : []),
    ...(end ? [{ type: 'ended' as const, outcome: 'failed' as const, text: at(2) }] : []),
  ];
  return sessionOf(events);
}

function comparison(at: (i: number) => string, many: number) {
  const side = { run_id: at(1), name: at(2), url: at(3) };
  const readings = { relative: { delta_pct: 1, verdict: 'improved' }, points: { delta_points: 1, verdict: 'improved' }, used: 'relative' };
  return {
    baseline: side,
    candidate: side,
    primary: { metric: at(4), baseline: 0.71, candidate: 0.73, delta: 0.02, delta_pct: 2.8, verdict: 'improved', verdict_reason: at(5), readings },
    metrics: Array.from({ length: many }, (_, i) => ({ key: at(i), baseline: 0.1, candidate: 'NaN', delta: null, delta_pct: null, flag: at(i + 1) })),
    warnings: Array.from({ length: many }, (_, i) => at(i)),
  };
}
