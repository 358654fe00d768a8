import { monitorEventLoopDelay } from 'node:perf_hooks';
import type { Breakers } from '../agent/breaker.ts';
import type { AnyConfig } from '../config.ts';
import type { Census } from '../runtime/census.ts';
import { costOf } from '../session/budget.ts';
import type { DoorOutcome, DoorRequest } from '../session/door.ts';
import type { EventOf, SessionEvent } from '../session/events.ts';
import type { Call, Session } from '../session/state.ts';
import { createCounter, createHistogram, type Metric } from './metrics.ts';

/** What this process counts and how long things took in it. Labels are names and kinds, never what people wrote. */
export type Figures = ReturnType<typeof openFigures>;

const QUICK = [0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2, 3];
const SLOW = [0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 120, 300];

export function openFigures({ pricing }: Pick<AnyConfig, 'pricing'>) {
  const turns = createHistogram('labmate_turn_seconds', 'How long a worker held a session, from the bell to letting go.', SLOW);
  const model = createHistogram('labmate_model_seconds', 'How long the model took for one reply, by what came of it.', SLOW);
  const tools = createHistogram('labmate_tool_seconds', 'How long one call of a tool took, by what came of it.', SLOW);
  const acks = createHistogram('labmate_slack_ack_seconds', 'How long Slack waited for an acknowledgement.', QUICK);
  const ended = createCounter('labmate_sessions_ended_total', 'Sessions that ended, by how.');
  const tokens = createCounter('labmate_model_tokens_total', 'Tokens, by model and kind; input is what neither came from the cache nor was written to it.');
  const dollars = createCounter('labmate_model_dollars_total', 'What the tokens cost by "pricing" in labmate.json, in dollars.');
  const putOff = createCounter('labmate_put_off_total', 'Turns and calls that were put off because a backend did not answer or limits requests.');
  const failures = createCounter('labmate_upstream_errors_total', 'Requests that a backend did not answer as it should, by backend.');
  const requests = createHistogram('labmate_mcp_request_seconds', 'How long one request of an MCP client over HTTP took, by what came of it.', SLOW);
  const refused = createCounter('labmate_mcp_refused_total', 'HTTP requests that were turned away at the MCP door, by status.');
  const troubles = createCounter('labmate_errors_total', 'Work that failed and is taken up again by itself, by part; a broken record is not.');
  // Counters that are only there once something went wrong cannot be watched from the beginning.
  for (const part of PARTS) troubles.add({ part }, 0);
  const loop = monitorEventLoopDelay({ resolution: 20 });
  loop.enable();
  let breakers: Breakers | null = null;
  let connected = () => 0;

  return {
    turn(seconds: number, session: Session, wasEnded: boolean) {
      turns.seen(seconds);
      if (session.ended && !wasEnded) ended.add({ outcome: session.ended.outcome });
    },

    /** One question to the model `asked`, by the events that came of it. */
    thought(seconds: number, asked: string, events: readonly SessionEvent[]) {
      model.seen(seconds, { result: events[0] ? (events[0].type === 'replied' ? 'reply' : notedAs(events[0])) : 'aborted' });
      for (const event of events) {
        if (event.type === 'replied') spent(event, asked);
        if (event.type === 'noted' && event.about === 'retry') putOff.add({ upstream: (event.upstream ?? 'claude').toLowerCase() });
      }
    },

    /** One call of a tool, by the events that came of it. */
    called(seconds: number, call: Call, events: readonly SessionEvent[]) {
      const [event] = events;
      tools.seen(seconds, { tool: call.tool, result: event ? resultOf(event) : 'none' });
      if (event?.type === 'call_parked' && event.waiting.for === 'retry') putOff.add({ upstream: event.waiting.upstream.toLowerCase() });
    },

    acked: (kind: string, seconds: number, ok: boolean) => acks.seen(seconds, { kind, acked: String(ok) }),

    /** One request at the MCP door over HTTP. */
    asked(seconds: number, { method, target }: DoorRequest, outcome: DoorOutcome) {
      const result = typeof outcome === 'string' ? outcome : 'error';
      requests.seen(seconds, { method, ...(target === null ? {} : { target }), result });
    },

    turnedAway: (status: number) => refused.add({ status: String(status) }),

    /** Whose connections are counted from now on. */
    doorOf(of: () => number) {
      connected = of;
    },

    trouble: (part: Part) => troubles.add({ part }),

    /** The same breakers, with what they are told counted. */
    counting(of: Breakers): Breakers {
      breakers = of;
      return {
        ...of,
        failed(upstream, now) {
          failures.add({ upstream });
          of.failed(upstream, now);
        },
      };
    },

    metrics(): Metric[] {
      const now = Date.now();
      const open = (breakers?.open() ?? []).map(({ upstream, since }) => ({ labels: { upstream }, value: Math.max(0, now - since) / 1_000 }));
      const { rss } = process.memoryUsage();
      const delay = loop.percentile(99) / 1e9;
      loop.reset();
      return [
        ...[turns, model, tools, acks, requests, refused, ended, tokens, dollars, putOff, failures, troubles].map((each) => each.metric()),
        {
          name: 'labmate_breaker_open_seconds',
          help: 'For how long a backend has not been asked because it does not answer; absent where all is well.',
          type: 'gauge',
          values: open,
        },
        { name: 'labmate_mcp_connections', help: 'MCP clients that are connected over HTTP.', type: 'gauge', values: connected() },
        {
          name: 'labmate_event_loop_delay_seconds',
          help: 'p99 of how late timers were since the last look.',
          type: 'gauge',
          values: Number.isNaN(delay) ? 0 : delay,
        },
        { name: 'process_resident_memory_bytes', help: 'Resident memory.', type: 'gauge', values: rss },
        { name: 'process_start_time_seconds', help: 'When this process was started.', type: 'gauge', values: Math.round(now / 1_000 - process.uptime()) },
      ];
    },
  };

  function spent({ model: name, usage }: EventOf<'replied'>, asked: string): void {
    for (const [kind, count] of Object.entries(usage)) if (count > 0) tokens.add({ model: name, kind }, count);
    if (Object.keys(pricing).length > 0) dollars.add({ model: name }, costOf(usage, [name, asked], pricing));
  }
}

const PARTS = ['turn', 'broken_record', 'thread', 'watch', 'index', 'delivery'] as const;
export type Part = (typeof PARTS)[number];

function notedAs(event: SessionEvent): string {
  return event.type === 'noted' ? event.about : event.type;
}

function resultOf(event: SessionEvent): string {
  if (event.type === 'call_finished') return event.outcome.status;
  if (event.type === 'call_parked') return `waits_for_${event.waiting.for}`;
  return event.type === 'refused' ? 'refused' : event.type;
}

/** The installation as a whole, as any process sees it: take the largest of them, not the sum. */
export function censusMetrics({ byState, approvals, due, stale, watched }: Census): Metric[] {
  const states = Object.entries(byState).map(([state, value]) => ({ labels: { state: state.replaceAll(' ', '_') }, value }));
  return [
    { name: 'labmate_sessions', help: 'Sessions that have not ended, by where they stand.', type: 'gauge', values: states },
    { name: 'labmate_due_sessions', help: 'Sessions at which a worker should have looked by now.', type: 'gauge', values: due.count },
    { name: 'labmate_due_oldest_seconds', help: 'How long the longest of them has been waiting for a worker.', type: 'gauge', values: due.oldestMs / 1_000 },
    { name: 'labmate_stale_threads', help: 'Threads that do not show yet what the log says.', type: 'gauge', values: stale.count },
    { name: 'labmate_stale_oldest_seconds', help: 'For how long the longest of them has not.', type: 'gauge', values: stale.oldestMs / 1_000 },
    { name: 'labmate_approvals_pending', help: 'Questions that wait for a yes.', type: 'gauge', values: approvals.count },
    {
      name: 'labmate_approval_oldest_seconds',
      help: 'How long the oldest of them has been waiting.',
      type: 'gauge',
      values: Math.max(0, approvals.oldestMs) / 1_000,
    },
    { name: 'labmate_watched_calls', help: 'Calls that wait for a training run.', type: 'gauge', values: watched },
  ];
}
