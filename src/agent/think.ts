import { createHash } from 'node:crypto';
import { DEEPEST_ARGUMENTS, isNestedDeeperThan } from '../policy/nesting.ts';
import type { EventOf, SessionEvent } from '../session/events.ts';
import { announced, failingMs } from '../session/failing.ts';
import { makeRoom, withoutPictures } from '../session/make-room.ts';
import type { Session } from '../session/state.ts';
import { type Written, writeTranscript } from '../session/transcript.ts';
import { givenUp, retryAt, spread } from './backoff.ts';
import type { Breakers } from './breaker.ts';
import type { Model, ModelAnswer, ToolSpec } from './model.ts';

export type ThinkDeps = {
  model: Model;
  /** Byte-stable for the life of the process: it stands before everything else in the model's cache. */
  system: string;
  tools: readonly ToolSpec[];
  /** A stored picture as base64. */
  image: (sha256: string) => Promise<string | null>;
  breakers: Breakers;
  random: () => number;
  /** Cuts known secret values out of text. */
  scrub: (text: string) => string;
  /** Says quickly whether JSON may hold one; false is sure. */
  suspect?: ((json: string) => boolean) | undefined;
};

export type ThinkTurn = { signal: AbortSignal; now: () => number /** Not again before then (ms). */; sleep(until: number): void };

/** As breakers know it. */
const CLAUDE = 'claude';
const MAX_TOKENS = 8_192;
/** The breaker says from then on how long. */
const AFTER_PROBE_MS = 1_000;

/** Asks the model once and answers with what happened. A reply is recorded whole before anything acts on it. */
export async function think(session: Session, turn: ThinkTurn, deps: ThinkDeps): Promise<SessionEvent[]> {
  if (session.insisted) deps.breakers.hurry(CLAUDE, turn.now());
  const closed = deps.breakers.wait(CLAUDE, turn.now());
  if (closed > 0) return asleep(session, closed, turn, deps);
  const messages = await messagesOf(session, deps.image);
  const cut = session.notes.some((n) => n.about === 'cut' && n.seq > (session.replies.at(-1)?.seq ?? 0));
  const answer = await deps.model({ system: deps.system, tools: deps.tools, messages, maxTokens: cut ? MAX_TOKENS * 4 : MAX_TOKENS, signal: turn.signal });
  if (answer.kind === 'wait' && announced(answer.retryAfterMs) === null) deps.breakers.failed(CLAUDE, turn.now());
  else if (answer.kind !== 'aborted') deps.breakers.worked(CLAUDE);
  // One that finds out for all whether it is back has used up no try of its own.
  if (answer.kind === 'wait' && announced(answer.retryAfterMs) === null && deps.breakers.isOpen(CLAUDE)) return asleep(session, AFTER_PROBE_MS, turn, deps);
  if (answer.kind === 'reply') {
    const unfit = tooDeep(answer) ?? withheld(session, answer, deps);
    if (unfit) return [unfit];
  }
  return record(session, answer, turn.now(), deps.random(), cut);
}

/** What was written of a session that this process holds: of a long transcript only the end is new. */
const written = new WeakMap<Session, Written>();

async function messagesOf(session: Session, image: ThinkDeps['image']): Promise<Buffer[]> {
  const before = written.get(session);
  const pictures = new Map<string, string | null>();
  for (const call of session.calls.values()) {
    if (call.status.is !== 'finished') continue;
    for (const { sha256 } of call.status.outcome.images ?? []) if (!pictures.has(sha256)) pictures.set(sha256, await image(sha256));
  }
  const now = writeTranscript(session, (sha256) => pictures.get(sha256) ?? null, before);
  written.set(session, now);
  return [now.closed, now.open];
}

/** Who writes JSON by recursion falls over such a reply, at each attempt anew. */
function tooDeep({ content }: Extract<ModelAnswer, { kind: 'reply' }>): EventOf<'noted'> | null {
  if (!isNestedDeeperThan(DEEPEST_ARGUMENTS, content)) return null;
  return {
    type: 'noted',
    about: 'attention',
    text: `The model's reply is nested more than ${DEEPEST_ARGUMENTS} levels deep, so it was neither stored nor acted on.`,
  };
}

/** A reply that holds a known secret would carry it into the record, the thread and whatever the calls reach. It is dropped whole; by its digest it can be told from others. */
function withheld(session: Session, { content }: Extract<ModelAnswer, { kind: 'reply' }>, { scrub, suspect }: ThinkDeps): EventOf<'noted'> | null {
  const text = JSON.stringify(content);
  if ((suspect && !suspect(text)) || scrub(text) === text) return null;
  const digest = createHash('sha256').update(text).digest('hex');
  const again = session.notes.some((n) => n.about === 'secret' && n.seq > (session.replies.at(-1)?.seq ?? 0));
  const held = `The model's reply${again ? ' again' : ''} held one of labmate's own credentials (reply ${digest.slice(0, 16)}), so it was neither stored nor acted on.`;
  if (again) return { type: 'noted', about: 'attention', text: `${held} Find out where it read it, rotate the credential, then try again.` };
  return { type: 'noted', about: 'secret', text: `${held} The model is asked once more.` };
}

function record(session: Session, answer: ModelAnswer, now: number, random: number, cut: boolean): SessionEvent[] {
  switch (answer.kind) {
    case 'aborted':
      return [];
    case 'wait':
      return wait(session, answer, now, random);
    case 'final':
      return [{ type: 'noted', about: 'attention', text: answer.why }];
    case 'outgrown':
      return outgrown(session, answer.why);
    case 'picture':
      return pictureless(session, answer.why);
    case 'reply':
      return reply(session, answer, cut);
    default:
      return answer satisfies never;
  }
}

function wait(session: Session, { why, retryAfterMs }: Extract<ModelAnswer, { kind: 'wait' }>, now: number, random: number): SessionEvent[] {
  // What the service announces itself is no failure.
  const said = announced(retryAfterMs);
  const attempt = (session.retry?.attempt ?? 0) + (said === null ? 1 : 0);
  const gaveUp = said === null ? givenUp(attempt, failingMs(session.retry?.failing, now)) : null;
  if (gaveUp !== null) return [{ type: 'noted', about: 'attention', text: `${why} ${gaveUp}` }];
  return [laterNote(why, retryAt(now, attempt, said, random), attempt)];
}

/** Nobody gets an answer. That is noted once; from then on it is only looked at again. */
function asleep(session: Session, waitMs: number, turn: ThinkTurn, { random }: ThinkDeps): SessionEvent[] {
  const notBefore = spread(turn.now(), waitMs, random());
  if (session.retry?.outage) {
    turn.sleep(notBefore);
    return [];
  }
  const note = laterNote('Claude has not been answering; it is asked again by itself.', new Date(notBefore).toISOString(), session.retry?.attempt ?? 0);
  return [{ ...note, outage: true }];
}

function laterNote(text: string, until: string, attempt: number): EventOf<'noted'> {
  return { type: 'noted', about: 'retry', text, until, attempt, upstream: 'Claude' };
}

/** The oldest results go, and the model is asked again. Where nothing is left that could go, a person is asked. */
function outgrown(session: Session, why: string): SessionEvent[] {
  const room = makeRoom(session);
  if (!room) return [{ type: 'noted', about: 'attention', text: `${why} Start a new one in this thread; it is given this one's report.` }];
  const what = room.results === 1 ? 'the oldest result is' : `the ${room.results} oldest results are`;
  const text = `${why} To make room, ${what} no longer shown to the model (${room.characters} characters; the record keeps them).`;
  return [{ type: 'noted', about: 'recovered', text, omits_to: room.to }];
}

/** A broken picture would stand in each request from now on: it is left out, and the model is asked again. */
function pictureless(session: Session, why: string): SessionEvent[] {
  const calls = withoutPictures(session);
  if (!calls) return [{ type: 'noted', about: 'attention', text: why }];
  const tools = [...new Set(calls.map((id) => session.calls.get(id)?.tool ?? 'a tool'))].join(' and ');
  const text = `${why} So the model goes on without the picture${calls.length > 1 ? 's' : ''} of ${tools}; the record keeps what there is.`;
  return [{ type: 'noted', about: 'recovered', text, omits_pictures: calls }];
}

function reply(session: Session, answer: Extract<ModelAnswer, { kind: 'reply' }>, cut: boolean): SessionEvent[] {
  const uses = answer.content.filter(isToolUse);
  // A tool call cut by the length limit arrives silently repaired: what stands in it is not what the model meant.
  if (answer.stop === 'max_tokens' && uses.length > 0) {
    if (!cut)
      return [{ type: 'noted', about: 'cut', text: 'The reply was cut by its length limit in the middle of a tool call; asked again with a larger limit.' }];
    return [{ type: 'noted', about: 'attention', text: "The model's reply does not fit its length limit, twice in a row." }];
  }
  if (answer.stop === 'model_context_window_exceeded') {
    return outgrown(session, "The session has outgrown the model's context window.");
  }
  const calls: EventOf<'replied'>['calls'] = [];
  for (const use of answer.stop === 'tool_use' ? uses : []) {
    // The provider's ids are unique in practice; the log needs it to be so in principle.
    if (session.calls.has(use.id) || calls.some((c) => c.id === use.id))
      return [{ type: 'noted', about: 'attention', text: 'The model named two calls alike, so its reply was not acted on.' }];
    calls.push({ id: use.id, tool: use.name, input: use.input });
  }
  return [
    {
      type: 'replied',
      model: answer.model,
      saw: session.seq,
      stop: answer.stop,
      content: answer.content,
      calls,
      usage: answer.usage,
      request_id: answer.requestId,
      ...(answer.refusal ? { refusal: answer.refusal } : {}),
    },
  ];
}

function isToolUse(block: unknown): block is { type: 'tool_use'; id: string; name: string; input: unknown } {
  if (typeof block !== 'object' || block === null) return false;
  const b = block as Record<string, unknown>;
  return b['type'] === 'tool_use' && typeof b['id'] === 'string' && typeof b['name'] === 'string';
}
