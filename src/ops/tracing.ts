import { AsyncLocalStorage } from 'node:async_hooks';
import { createHash } from 'node:crypto';
import { type Attributes, type Context, ROOT_CONTEXT, type Span, SpanKind, SpanStatusCode, trace } from '@opentelemetry/api';
import { OTLPTraceExporter } from '@opentelemetry/exporter-trace-otlp-proto';
import { resourceFromAttributes } from '@opentelemetry/resources';
import { BatchSpanProcessor, type IdGenerator, RandomIdGenerator, TracerProvider } from '@opentelemetry/sdk-trace';
import type { Perform, TurnHeld } from '../runtime/advance.ts';
import type { DoorWatch } from '../session/door.ts';
import type { SessionEvent } from '../session/events.ts';
import { stateWord } from '../session/where-it-stands.ts';
import { requestSpans } from './request-spans.ts';
import { afterRequest, afterStep, beforeRequest, beforeStep } from './span-attributes.ts';

/** Loaded only where OTEL_EXPORTER_OTLP_ENDPOINT is set; without it no code of this file or its packages runs. */
export type Tracing = {
  /** One trace for each time a worker holds a session, linked to the one before. */
  turn<T>(held: TurnHeld, work: () => Promise<T>): Promise<T>;
  /** A span in it for each question to the model and each call of a tool. */
  step(...args: [...Parameters<Perform>, work: () => Promise<SessionEvent[]>]): Promise<SessionEvent[]>;
  /** A span for one request at the MCP door, in the client's own trace where it says so; `begin` runs inside. */
  request(...args: Parameters<DoorWatch>): ReturnType<DoorWatch>;
  stop(): Promise<void>;
};

/**
 * Sends traces over OTLP/HTTP to `endpoint`/v1/traces, by the conventions for GenAI and MCP. Names, ids, sizes and times only: no prompt, no argument and no
 * answer leaves by this door. Headers, service name and the rest of the exporter follow the OTEL_* variables of its specification.
 */
export function startTracing(options: { endpoint: string; version: string; role: string; model: string }): Tracing {
  const ids = foretoldIds();
  const exporter = new OTLPTraceExporter({ url: `${options.endpoint}/v1/traces` });
  const provider = new TracerProvider({
    idGenerator: ids,
    resource: resourceFromAttributes({
      'service.name': 'labmate',
      'service.version': options.version,
      'service.instance.id': `${options.role}-${process.pid}`,
    }),
    spanProcessors: [new BatchSpanProcessor({ exporter, scheduledDelayMillis: 2_000 })],
  });
  const tracer = provider.getTracer('labmate', options.version);
  const inside = new AsyncLocalStorage<Context>();
  const requests = requestSpans(tracer, inside);

  return {
    turn(held, work) {
      const { session, fence, before } = held;
      const own = turnIds(session.id, fence);
      const links = before === null ? [] : [{ context: { ...turnIds(session.id, before), traceFlags: 1, isRemote: true } }];
      ids.foretell(own);
      const span = tracer.startSpan('invoke_agent labmate', { root: true, kind: SpanKind.INTERNAL, links, attributes: turnAttributes(held) }, ROOT_CONTEXT);
      return run(span, inside, ROOT_CONTEXT, work, () => ({ 'labmate.state': stateWord(session), 'labmate.lines': session.seq }));
    },
    step(step, turn, work) {
      const { name, kind, attributes } = beforeStep(step, turn.session, options.model);
      const parent = inside.getStore() ?? ROOT_CONTEXT;
      const span = tracer.startSpan(name, { kind, attributes }, parent);
      return run(span, inside, parent, work, (events) => afterStep(events));
    },
    request(asked, begin) {
      const { name, attributes } = beforeRequest(asked);
      const parent = contextOf(asked.parent);
      const span = tracer.startSpan(name, { kind: SpanKind.SERVER, attributes }, parent);
      inside.run(trace.setSpan(parent, span), begin);
      return (outcome) => {
        const after = afterRequest(outcome);
        span.setAttributes(after);
        if (after['error.type'] !== undefined) span.setStatus({ code: SpanStatusCode.ERROR });
        span.end();
      };
    },
    async stop() {
      requests.stop();
      await provider.shutdown().catch(() => {});
    },
  };
}

/** By W3C's `traceparent`, which MCP carries in `_meta`; anything else begins a trace of its own. */
function contextOf(parent: string | null): Context {
  const [, traceId, spanId, flags] = /^00-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})$/.exec(parent ?? '') ?? [];
  if (traceId === undefined || spanId === undefined || flags === undefined) return ROOT_CONTEXT;
  return trace.setSpanContext(ROOT_CONTEXT, { traceId, spanId, traceFlags: Number.parseInt(flags, 16), isRemote: true });
}

function turnAttributes({ session, fence }: TurnHeld): Attributes {
  return {
    'gen_ai.operation.name': 'invoke_agent',
    'gen_ai.provider.name': 'anthropic',
    'gen_ai.agent.name': 'labmate',
    'gen_ai.conversation.id': session.id,
    'gen_ai.request.model': session.opened.model,
    'labmate.alias': session.opened.alias,
    'labmate.turn': fence,
  };
}

async function run<T>(span: Span, inside: AsyncLocalStorage<Context>, parent: Context, work: () => Promise<T>, after: (result: T) => Attributes): Promise<T> {
  try {
    const result = await inside.run(trace.setSpan(parent, span), work);
    const attributes = after(result);
    span.setAttributes(attributes);
    if (attributes['error.type'] !== undefined) span.setStatus({ code: SpanStatusCode.ERROR });
    return result;
  } catch (error) {
    span.setAttribute('error.type', error instanceof Error ? error.name : 'unknown');
    span.setStatus({ code: SpanStatusCode.ERROR });
    throw error;
  } finally {
    span.end();
  }
}

type Ids = { traceId: string; spanId: string };

/** A pure function of session and fence: the next turn, in whichever process, knows whom to link to without being told. */
export function turnIds(session: string, fence: number): Ids {
  const hash = createHash('sha256').update(`${session} ${fence}`).digest('hex');
  return { traceId: hash.slice(0, 32), spanId: hash.slice(32, 48) };
}

/** Random ids, but for the span that is started right after `foretell`. */
function foretoldIds(): IdGenerator & { foretell(ids: Ids): void } {
  const random = new RandomIdGenerator();
  let next: Ids | null = null;
  return {
    foretell(ids) {
      next = ids;
    },
    generateSpanId: () => next?.spanId ?? random.generateSpanId(),
    // Asked for last, and for a trace's first span only.
    generateTraceId() {
      const id = next?.traceId ?? random.generateTraceId();
      next = null;
      return id;
    },
  };
}
