import type { AnyConfig } from '../config.ts';
import type { Log } from '../log.ts';
import type { Perform, TurnHeld } from '../runtime/advance.ts';
import type { DoorWatch } from '../session/door.ts';
import type { SessionEvent } from '../session/events.ts';
import type { Session } from '../session/state.ts';
import { stateWord } from '../session/where-it-stands.ts';
import { version } from '../version.ts';
import { type Figures, openFigures } from './figures.ts';
import type { Tracing } from './tracing.ts';

/** What this process measures; traces only where somebody wants them. */
export type Watching = { figures: Figures; tracing: Tracing | null };

/** Loads what traces need only where OTEL_EXPORTER_OTLP_ENDPOINT is set. Throws a sentence where that is not installed. */
export async function openWatching(config: Pick<AnyConfig, 'pricing' | 'otlpEndpoint' | 'claude'>, role: string): Promise<Watching> {
  const figures = openFigures(config);
  if (config.otlpEndpoint === null) return { figures, tracing: null };
  const loaded = await import('./tracing.ts').catch((cause: unknown) => {
    throw new Error('OTEL_EXPORTER_OTLP_ENDPOINT is set, but the packages for traces are not installed: npm install --include=optional, or unset it.', {
      cause,
    });
  });
  return { figures, tracing: loaded.startTracing({ endpoint: config.otlpEndpoint, version: version(), role, model: config.claude?.model ?? 'unknown' }) };
}

/**
 * The same steps, each counted, and a span where traces are wanted. What changed something outside or did not go well is a line for the operator, with its session and
 * call; an ordinary reply or look is one at `debug` only: eight in ten lines are of those, and the record, the figures and the turn's own line say the same.
 */
export function observeSteps(perform: Perform, { figures, tracing, log }: Watching & { log: Log }): Perform {
  return async (step, turn) => {
    const began = performance.now();
    let acted = step.do === 'call' && step.call.started !== undefined;
    const claim: typeof turn.claim = (...asked) => {
      acted = true;
      return turn.claim(...asked);
    };
    const work = () => perform(step, { ...turn, claim });
    const events = await (tracing ? tracing.step(step, turn, work) : work());
    const seconds = (performance.now() - began) / 1_000;
    const about = { session: turn.session.id, alias: turn.session.opened.alias, ms: Math.round(seconds * 1_000) };
    if (step.do === 'think') {
      figures.thought(seconds, turn.session.opened.model, events);
      log[events[0]?.type === 'replied' ? 'debug' : 'info']({ ...about, ...whatCame(events) }, 'the model was asked');
    } else {
      figures.called(seconds, step.call, events);
      const [event] = events;
      const ordinary = event?.type === 'call_finished' && event.outcome.status === 'ok' && !acted;
      log[ordinary ? 'debug' : 'info']({ ...about, call: step.call.id, tool: step.call.tool, ...whatCame(events) }, 'a tool was called');
    }
    return events;
  };
}

/** Every request at the MCP door, counted and, where traces are wanted, a span. */
export function observeDoor({ figures, tracing }: Watching): DoorWatch {
  return (request, begin) => {
    const began = performance.now();
    const end = tracing ? tracing.request(request, begin) : void begin();
    return (outcome) => {
      end?.(outcome);
      figures.asked((performance.now() - began) / 1_000, request, outcome);
    };
  };
}

/** How long a worker held a session, what was done in that time, and how the session ended if it did. */
export function observeTurns({ figures, tracing, log }: Watching & { log: Log }) {
  return async (held: TurnHeld, work: () => Promise<void>): Promise<void> => {
    const began = performance.now();
    const { session } = held;
    const wasEnded = session.ended !== undefined;
    const before = countsOf(session);
    await (tracing ? tracing.turn(held, work) : work());
    const ms = performance.now() - began;
    figures.turn(ms / 1_000, session, wasEnded);
    const now = countsOf(session);
    if (now.lines === before.lines) return;
    log.info(
      {
        session: session.id,
        alias: session.opened.alias,
        ms: Math.round(ms),
        replies: now.replies - before.replies,
        calls: now.calls - before.calls,
        tokens: now.tokens - before.tokens,
        state: session.ended?.outcome ?? stateWord(session),
      },
      'a session was brought forward',
    );
  };
}

function countsOf({ seq, replies, calls, usage }: Session): { lines: number; replies: number; calls: number; tokens: number } {
  let finished = 0;
  for (const { status } of calls.values()) if (status.is === 'finished') finished++;
  return { lines: seq, replies: replies.length, calls: finished, tokens: usage.input + usage.output + usage.cache_read + usage.cache_write };
}

/** Names and numbers only: what people and models wrote stays in the record. */
function whatCame([event]: readonly SessionEvent[]): Record<string, unknown> {
  if (!event) return { result: 'aborted' };
  switch (event.type) {
    case 'replied':
      return { result: 'reply', stop: event.stop, calls: event.calls.length, usage: event.usage, request_id: event.request_id };
    case 'call_finished':
      return { result: event.outcome.status };
    case 'call_parked':
      return {
        result: `waits for ${event.waiting.for}`,
        ...(event.waiting.for === 'retry' ? { upstream: event.waiting.upstream, until: event.waiting.at } : {}),
      };
    case 'noted':
      return { result: event.about, ...(event.until ? { until: event.until } : {}) };
    default:
      return { result: event.type };
  }
}
