import type { AnyConfig } from '../config.ts';
import type { Log } from '../log.ts';
import type { Perform, TurnHeld } from '../runtime/advance.ts';
import type { SessionEvent } from '../session/events.ts';
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

/** The same steps, each counted, logged with its session and call, and a span where traces are wanted. */
export function observeSteps(perform: Perform, { figures, tracing, log }: Watching & { log: Log }): Perform {
  return async (step, turn) => {
    const began = performance.now();
    const work = () => perform(step, turn);
    const events = await (tracing ? tracing.step(step, turn, work) : work());
    const seconds = (performance.now() - began) / 1_000;
    const about = { session: turn.session.id, alias: turn.session.opened.alias, ms: Math.round(seconds * 1_000) };
    if (step.do === 'think') {
      figures.thought(seconds, turn.session.opened.model, events);
      log.info({ ...about, ...whatCame(events) }, 'the model was asked');
    } else {
      figures.called(seconds, step.call, events);
      log.info({ ...about, call: step.call.id, tool: step.call.tool, ...whatCame(events) }, 'a tool was called');
    }
    return events;
  };
}

/** How long a worker held a session, and how the session ended if it did. */
export function observeTurns({ figures, tracing }: Watching) {
  return async (held: TurnHeld, work: () => Promise<void>): Promise<void> => {
    const began = performance.now();
    const wasEnded = held.session.ended !== undefined;
    await (tracing ? tracing.turn(held, work) : work());
    figures.turn((performance.now() - began) / 1_000, held.session, wasEnded);
  };
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
