import type { CallToolResult } from '@modelcontextprotocol/sdk/types.js';
import type { ApproverRule } from '../policy/rules.ts';
import { decidedAtStop } from '../session/after-stop.ts';
import { approvalId } from '../session/approval-id.ts';
import { type ChangedArgument, changedArguments } from '../session/changed-arguments.ts';
import type { Entry, EventOf, ImageRef, Outcome, SessionEvent } from '../session/events.ts';
import { announced, failingMs } from '../session/failing.ts';
import { isText } from '../session/said.ts';
import type { Call, Session } from '../session/state.ts';
import type { CallScope } from '../tools/gate.ts';
import { HOST, type HostNote, SAID } from '../tools/present.ts';
import { properName } from '../tools/upstreams.ts';
import { givenUp, retryAt, spread } from './backoff.ts';
import type { Breakers } from './breaker.ts';
import { factsOf, standingOf } from './facts.ts';
import type { Toolbox } from './toolbox.ts';

export type CallDeps = {
  toolbox: Toolbox;
  putImage: (data: Uint8Array) => Promise<string>;
  /** The thread's root, once it is posted. */
  root: (session: string) => Promise<string | null>;
  canBeAsked: (session: Session, rule: ApproverRule) => Promise<{ ok: true } | { ok: false; why: string }>;
  stillEntitled: (session: Session, by: readonly string[], rule: ApproverRule) => Promise<{ ok: true } | { ok: false; why: string }>;
  breakers: Breakers;
  random: () => number;
};

/** What the holder of the session lends to a call. */
export type CallTurn = {
  session: Session;
  entries: readonly Entry[];
  signal: AbortSignal;
  now: () => number;
  /** Not again before then (ms). */
  sleep(until: number): void;
  mayAct: CallScope['mayAct'];
  claim: CallScope['claim'];
};

/** The breaker says from then on how long. */
const AFTER_PROBE_MS = 1_000;
const ARGUMENT_LIMIT = 1_000_000;

/** Performs one call through the gate and answers with what happened. */
export async function callTool(call: Call, turn: CallTurn, deps: CallDeps): Promise<SessionEvent[]> {
  const { session } = turn;
  const input = call.input;
  if (typeof input !== 'object' || input === null || Array.isArray(input))
    return [finished(call, failed(`The arguments of ${call.tool} must be a JSON object.`))];
  const size = JSON.stringify(input).length;
  if (size > ARGUMENT_LIMIT) return [finished(call, failed(`The arguments of ${call.tool} are ${size} characters long; at most ${ARGUMENT_LIMIT} are taken.`))];

  const upstreams = deps.toolbox.upstreams(call.tool);
  if (call.insisted) for (const u of upstreams) deps.breakers.hurry(u, turn.now());
  for (const upstream of upstreams) {
    const waitMs = deps.breakers.wait(upstream, turn.now());
    if (waitMs > 0) return asleep(call, { upstream: properName(upstream), waitMs }, turn, deps);
  }

  const approval = call.approval ? session.approvals.get(call.approval) : undefined;
  let sent = call.started !== undefined;
  const scope: CallScope = {
    // Only who posts to Slack needs to know where the thread is.
    facts: factsOf(call, session, turn.entries, session.opened.thread ?? (upstreams.includes('slack') ? await deps.root(session.id) : null)),
    // Whoever reads what an untrusted server says of its tools has read text from outside.
    standing: deps.toolbox.trusted ? standingOf(session) : { ...standingOf(session), tainted: true },
    ...(approval?.state === 'approved'
      ? { approved: { id: approval.id, digest: approval.digest, by: approval.votes.map((v) => v.by), preview: approval.preview } }
      : {}),
    ...(call.started ? { started: call.started } : {}),
    signal: turn.signal,
    mayAct: turn.mayAct,
    claim: async (start, cancels) => {
      const answer = await turn.claim(start, cancels && decidedAtStop(session, call.id));
      if (answer === 'go') sent = true;
      return answer;
    },
    canBeAsked: (rule) => deps.canBeAsked(session, rule),
    stillEntitled: (by, rule) => deps.stillEntitled(session, by, rule),
  };
  const result = await deps.toolbox.call(call.tool, input as Record<string, unknown>, scope);
  const note = result._meta?.[HOST] as HostNote | undefined;
  // A read that our own stop broke off says nothing about its backend; what became of an effect is always written down.
  if (note === undefined && result.isError && turn.signal.aborted && !sent) return [];
  // What it announces itself is no failure.
  const silent = note?.kind === 'retry' && announced(note.retryAfterMs) === null ? note.upstream.toLowerCase() : null;
  // Something else may be what it waits for (a thread that is not posted yet): that has no breaker, as nothing would close it again.
  const away = upstreams.find((u) => u === silent);
  if (away !== undefined) deps.breakers.failed(away, turn.now());
  // "No" and "later" are answers too: a probe that got one has found its backend alive.
  else if (silent === null && note?.kind !== 'held') for (const u of upstreams) deps.breakers.worked(u);
  if (away !== undefined && deps.breakers.isOpen(away))
    // What was sent only now is written down as such: whoever takes it up has to look for it.
    return asleep(call, { upstream: properName(away), waitMs: AFTER_PROBE_MS, anew: sent && call.started === undefined }, turn, deps);
  return toEvents(call, result, turn, deps);
}

/** Nobody gets an answer there. That is written down once; from then on it is only looked at again. */
function asleep(
  call: Call,
  { upstream, waitMs, anew = false }: { upstream: string; waitMs: number; anew?: boolean },
  turn: CallTurn,
  deps: CallDeps,
): SessionEvent[] {
  const notBefore = spread(turn.now(), waitMs, deps.random());
  const { status } = call;
  if (!anew && status.is === 'parked' && status.waiting.for === 'retry' && status.waiting.outage) {
    turn.sleep(notBefore);
    return [];
  }
  const why = `${upstream} has not been answering; it is asked again by itself.`;
  return [
    {
      type: 'call_parked',
      call: call.id,
      waiting: { for: 'retry', at: new Date(notBefore).toISOString(), why, upstream, attempt: call.attempts, outage: true },
    },
  ];
}

async function toEvents(call: Call, result: CallToolResult, { session, now }: CallTurn, deps: CallDeps): Promise<SessionEvent[]> {
  const note = result._meta?.[HOST] as HostNote | undefined;
  switch (note?.kind) {
    case 'wait':
      return [{ type: 'call_parked', call: call.id, waiting: note.waiting }];
    case 'confirm':
      return [park(session, call, note.confirmation, now(), said(session, call))];
    case 'refused':
      return [{ type: 'refused', of: 'call', call: call.id, why: note.why, ...(note.by ? { by: note.by } : {}) }];
    case 'held':
      return [];
    case 'unknown': {
      const text = result.content.flatMap((c) => (c.type === 'text' ? [c.text] : [])).join('\n');
      return [finished(call, { status: 'unknown', text, data: result.structuredContent ?? {} })];
    }
    case 'retry': {
      // What the backend announces itself is no failure.
      const wait = announced(note.retryAfterMs);
      const attempt = wait === null ? call.attempts + 1 : call.attempts;
      const at = retryAt(now(), attempt, wait, deps.random());
      const later = retryLater(call, { at, why: note.why, upstream: note.upstream, attempt });
      const gaveUp = wait === null ? givenUp(attempt, failingMs(call.failing, now())) : null;
      if (gaveUp === null) return [later];
      const unsure = note.sent ? ' It is not known whether it happened; trying again looks first.' : '';
      return [later, { type: 'noted', about: 'attention', call: call.id, text: `${note.why} ${gaveUp}${unsure}` }];
    }
    case undefined:
      return [finished(call, withEdits(await outcomeOf(result, deps), editsOf(session, call)))];
    default:
      return note satisfies never;
  }
}

function retryLater(call: Call, wait: { at: string; why: string; upstream: string; attempt: number }): EventOf<'call_parked'> {
  return { type: 'call_parked', call: call.id, waiting: { for: 'retry', ...wait } };
}

function park(
  session: Session,
  call: Call,
  { digest, arguments: args, preview, rule, again }: Extract<HostNote, { kind: 'confirm' }>['confirmation'],
  now: number,
  why: string,
): EventOf<'call_parked'> {
  return {
    type: 'call_parked',
    call: call.id,
    waiting: {
      for: 'approval',
      approval: approvalId(session.id, session.approvals.size + 1, digest),
      digest,
      arguments: args,
      preview: { ...preview, ...(why ? { why } : {}) },
      expires_at: new Date(now + rule.expiresAfterMs).toISOString(),
      need: rule.quorum,
      ...(again ? { again } : {}),
    },
  };
}

/** The model's own words beside the call: shown on the card, quoted and labelled. */
function said(session: Session, call: Call): string {
  const reply = session.replies.find((r) => r.seq === call.reply);
  const texts = (reply?.content ?? []).flatMap((b) => (isText(b) ? [b.text] : []));
  return texts.join('\n').trim();
}

async function outcomeOf(result: CallToolResult, deps: CallDeps): Promise<Outcome> {
  const text = result.content.flatMap((c) => (c.type === 'text' ? [c.text] : [])).join('\n');
  // The protocol's own prefix says nothing to people.
  const said = typeof result._meta?.[SAID] === 'string' ? { said: result._meta[SAID] } : {};
  if (result.isError) return { ...failed(text.replace(/^MCP error -?\d+: (Input validation error: )?/, '')), ...said };
  const images: ImageRef[] = [];
  for (const part of result.content) {
    if (part.type !== 'image') continue;
    const data = Buffer.from(part.data, 'base64');
    const alt = typeof part._meta?.['alt'] === 'string' ? part._meta['alt'] : 'A picture';
    images.push({ sha256: await deps.putImage(data), bytes: data.length, media_type: part.mimeType, alt });
  }
  const data = result.structuredContent;
  return { status: 'ok', text, ...said, ...(data ? { data } : {}), ...(images.length > 0 ? { images } : {}) };
}

type Edits = { edited_by: string[]; changes: ChangedArgument[] };

/** Who changed what in this call since the model asked for it. */
function editsOf(session: Session, call: Call): Edits | null {
  const all = [...session.approvals.values()].filter((a) => a.call === call.id);
  const edits = all.filter((a) => a.edits);
  const from = all.find((a) => a.id === edits[0]?.edits?.approval);
  const to = edits.at(-1);
  if (!from || !to) return null;
  return { edited_by: [...new Set(edits.flatMap((a) => (a.edits ? [a.edits.by] : [])))], changes: changedArguments(from.arguments, to.arguments) };
}

/** What was sent is not what the model asked for: it is told, beside what came of it. */
function withEdits(outcome: Outcome, edits: Edits | null): Outcome {
  if (!edits) return outcome;
  if (outcome.data) return { ...outcome, data: { ...outcome.data, ...edits } };
  const changes = edits.changes.map((c) => `${c.name} ${c.from ?? '(not set)'} → ${c.to ?? '(not set)'}`).join(', ');
  const note = ` (Before it was sent, ${edits.edited_by.join(' and ')} changed ${changes}.)`;
  return { ...outcome, text: outcome.text + note, ...(outcome.said === undefined ? {} : { said: outcome.said + note }) };
}

function failed(text: string): Outcome {
  return { status: 'failed', text };
}

function finished(call: Call, outcome: Outcome): EventOf<'call_finished'> {
  return { type: 'call_finished', call: call.id, outcome };
}
