import { digestOf, effectKey } from '../policy/digest.ts';
import { judge, type Standing } from '../policy/judge.ts';
import type { ApproverRule, Permissions } from '../policy/rules.ts';
import { UpstreamError } from '../services/http.ts';
import type { EventOf, Preview } from '../session/events.ts';
import { hasMoved } from '../session/has-moved.ts';
import type { ApprovalState } from '../session/state.ts';
import { readArguments } from './arguments.ts';
import {
  type Plan,
  type Question,
  type ReadTool,
  type Services,
  type SessionFacts,
  type Tool,
  type ToolAnswer,
  type ToolContext,
  ToolError,
  type ToolSettings,
  type WriteTool,
} from './define-tool.ts';
import { type Proposal, propose, type Refused } from './propose.ts';
import { properName } from './upstreams.ts';
import { whetherItHappened } from './whether-it-happened.ts';

/** What the host knows of the call it makes. Found by a reference that no model sees; it is no proof: the proof is the log's. */
export type CallScope = {
  facts: SessionFacts;
  standing: Standing;
  /** The approval this call has, if a person has decided for it, and what they were shown. */
  approved?: { id: string; digest: string; by: readonly string[]; preview?: Preview } | undefined;
  /** The start that was recorded before the worker was cut off. */
  started?: EventOf<'call_started'> | undefined;
  signal: AbortSignal;
  /** Is the lease fresh enough to put something on the wire? */
  mayAct(): Promise<boolean>;
  /** Commits `call_started` and uses the approval up. Without its `go`, nothing runs. */
  claim(start: EventOf<'call_started'>, cancels: boolean): Promise<'go' | 'stopped' | 'lost' | { refused: string }>;
  /** Is there a place where people can be asked, and are there enough who may say yes? Absent where only the rule is known. */
  canBeAsked?(rule: ApproverRule): Promise<{ ok: true } | { ok: false; why: string }>;
  /** Who of those that approved may still do so. */
  stillEntitled(by: readonly string[], rule: ApproverRule): Promise<{ ok: true } | { ok: false; why: string }>;
};

/** What a person is asked. */
export type Confirmation = { digest: string; arguments: Record<string, unknown>; preview: Preview; rule: ApproverRule; again?: string };

export type GateAnswer =
  | { is: 'answer'; answer: ToolAnswer }
  | { is: 'question'; question: Question }
  /** It may have happened, and nobody but a person can tell. */
  | { is: 'unknown'; text: string; data: Record<string, unknown> }
  | { is: 'confirm'; confirmation: Confirmation }
  | Refused
  /** Nothing was sent: the session was stopped, or is somebody else's by now. */
  | { is: 'held' }
  /** The backend is away or asks us to wait. `sent`: an effect may have happened. */
  | { is: 'retry'; upstream: string; why: string; retryAfterMs: number | null; sent: boolean };

export type GateDeps = {
  services: Services;
  settings: ToolSettings;
  permissions: Permissions;
  now: () => number;
  /** Whose experiments a caller without a session may read. */
  reader?: ToolContext['reader'];
  /** Ends a look of somebody without a session. */
  signal?: AbortSignal | undefined;
  /** Why there is no session: for what runs by a rule as for what a person would be asked about; null where it cannot be planned without one. */
  whyNoSession?: ((verdict: Proposal['verdict'] | null) => string) | undefined;
  /** Cuts credentials out of text, known ones and what looks like one. */
  clean?: ((text: string) => string) | undefined;
  /** Says quickly whether JSON may hold what `clean` cuts out; false is sure. */
  suspect?: ((json: string) => boolean) | undefined;
};

/** What policy is told where there is no session: the worst. */
const NOBODY: Standing = { tainted: true, postsOutside: Number.POSITIVE_INFINITY };

/**
 * The one gate. A tool says what it would touch, policy rules, and an effect runs only after the claim: with the approval of exactly these bytes, or a rule's word.
 * Everything is looked at again at the moment of the call: definition, environment, rights, digest. `given` is held against the tool's schema here, for every door alike.
 * Throws ToolError where it does not fit.
 */
export async function gate(tool: Tool, given: Record<string, unknown>, scope: CallScope | null, deps: GateDeps): Promise<GateAnswer> {
  const ctx: ToolContext = {
    services: deps.services,
    settings: deps.settings,
    session: scope?.facts ?? null,
    reader: deps.reader,
    signal: scope?.signal ?? deps.signal ?? new AbortController().signal,
    now: deps.now,
  };
  let sent = false;
  try {
    if (tool.kind === 'write' && scope?.started) {
      sent = true;
      return await recover(tool, scope.started, scope, ctx);
    }
    const input = readArguments(tool, given);
    if (tool.kind === 'read') {
      const why = refusedRead(tool, scope, deps);
      return why ? { is: 'refused', why, by: 'policy' } : { is: 'answer', answer: await tool.run(input as never, ctx) };
    }
    const proposed = await propose(tool, input, scope?.standing ?? NOBODY, ctx, deps);
    if (proposed.is !== 'proposal') return proposed;
    const start = await permit(tool, proposed, input, scope, deps);
    if ('is' in start) return start;
    sent = true;
    return { is: 'answer', answer: await effect(tool, proposed.plan, ctx, start.key) };
  } catch (error) {
    // A tool that writes into a session of its own only sees that there is none; whoever keeps the door knows why.
    if (!scope && tool.kind === 'write' && error instanceof ToolError && error.code === 'NO_SESSION' && deps.whyNoSession)
      return { is: 'refused', why: deps.whyNoSession(null) };
    if (error instanceof UpstreamError && (error.transient || (sent && isUnreadable(error)))) {
      return later(error, sent);
    }
    // An effect that was given up by its own time limit may still have happened: recovery will look.
    if (tool.kind === 'write' && sent && error instanceof Error && (error.name === 'TimeoutError' || error.name === 'AbortError')) {
      return { is: 'retry', upstream: upstreamOf(tool), why: 'No answer came in time.', retryAfterMs: null, sent };
    }
    throw error;
  }
}

function later({ upstream, message, retryAfterMs }: UpstreamError, sent: boolean): GateAnswer {
  return { is: 'retry', upstream, why: message, retryAfterMs, sent };
}

/** Whose answer an effect waits for. */
function upstreamOf(tool: WriteTool): string {
  return tool.foreign?.upstream ?? properName(tool.needs[0] ?? tool.name);
}

/** The backend said yes in words that can't be read: the effect is there, and asking again with its key tells what it was. */
function isUnreadable({ status, code }: UpstreamError): boolean {
  return status >= 200 && status < 300 && (code === 'NOT_JSON' || code === 'UNEXPECTED_SHAPE' || code === 'TOO_LARGE');
}

/** Reads run by themselves, but a rule of labmate.json may deny them. A rule that asks denies too: there is no card for a look. */
function refusedRead(tool: ReadTool, scope: CallScope | null, { permissions }: GateDeps): string | null {
  const verdict = judge({ tool: tool.name, readOnly: true, touches: {} }, permissions, scope?.standing ?? NOBODY);
  if (verdict.is === 'refuse') return verdict.why;
  if (verdict.is === 'run') return null;
  return cannotBeAsked(tool.name, verdict.rule);
}

export function cannotBeAsked(tool: string, rule: string): string {
  return `A rule of labmate.json asks for a person's yes to ${tool} (${rule}), and a tool that only reads can't be put to anybody. Make it "deny" or "auto" there.`;
}

const SECOND_THOUGHTS: readonly string[] = ['pending', 'denied', 'edited', 'withdrawn', 'expired'] satisfies ApprovalState[];

/** Asks or claims. Answers the committed start, or why nothing runs. */
async function permit(
  tool: WriteTool,
  { plan, digest, preview, verdict }: Proposal,
  input: Record<string, unknown>,
  scope: CallScope | null,
  { whyNoSession }: GateDeps,
): Promise<EventOf<'call_started'> | GateAnswer> {
  if (!scope)
    return {
      is: 'refused',
      why: whyNoSession?.(verdict) ?? 'There is no session here in which a person could be asked: start it in Slack, or connect labmate to Redis and Slack.',
    };

  const ask = (rule: ApproverRule, again?: string): GateAnswer => ({
    is: 'confirm',
    confirmation: { digest, arguments: plan.arguments, preview, rule, ...(again ? { again } : {}) },
  });
  let approval: string | undefined;
  if (verdict.is === 'confirm') {
    const no = scope.approved ? undefined : scope.standing.denied?.find((d) => d.digest === digest || isAskedAlike(tool, d, input));
    if (no) return { is: 'refused', why: `${no.by} declined exactly this before, so nobody was asked again. It is asked once a person here wants it again.` };
    if (!scope.approved) {
      const askable = (await scope.canBeAsked?.(verdict.approvers)) ?? { ok: true };
      return askable.ok ? ask(verdict.approvers) : { is: 'refused', why: `${askable.why} Nothing was run.` };
    }
    if (scope.approved.digest !== digest) return ask(verdict.approvers, 'What would be sent has changed since it was approved.');
    const moved = hasMoved(scope.approved.preview, preview);
    if (moved) return ask(verdict.approvers, moved);
    const entitled = await scope.stillEntitled(scope.approved.by, verdict.approvers).catch((error: unknown) => {
      if (error instanceof UpstreamError) return later(error, false);
      throw error;
    });
    // People have said yes: whatever Slack has against a look at them, the call is not over, and is given up like any other that fails long.
    if ('is' in entitled) return entitled;
    if (!entitled.ok) return ask(verdict.approvers, entitled.why);
    approval = scope.approved.id;
  }
  const start: EventOf<'call_started'> = {
    type: 'call_started',
    call: scope.facts.call,
    tool: tool.name,
    key: effectKey(scope.facts.id, scope.facts.call),
    digest,
    ...(approval === undefined ? { rule: verdict.rule } : { approval }),
    arguments: plan.arguments,
    timeout_ms: tool.recovery === 'look-up' ? tool.timeoutMs : 0,
  };
  if (!(await scope.mayAct())) return { is: 'held' };
  const claimed = await scope.claim(start, plan.touches.own === true);
  if (claimed === 'stopped' || claimed === 'lost') return { is: 'held' };
  // People thought again in this moment: what they said stands in the log, and whoever looks there next knows what follows from it.
  if (claimed !== 'go' && SECOND_THOUGHTS.includes(claimed.refused)) return { is: 'held' };
  if (claimed !== 'go') {
    if (verdict.is === 'confirm' && claimed.refused === 'late') return ask(verdict.approvers, 'The approval had run out by the time the call could be made.');
    return { is: 'refused', why: `The approval does not hold any more (${claimed.refused}), so nothing was run.` };
  }
  // The claim cost a round trip: a process that was frozen in it must not send.
  if (!(await scope.mayAct())) return { is: 'held' };
  return start;
}

/** The same wish as one that was declined. What would be sent may differ all the same: a branch is named anew for each call. */
function isAskedAlike(tool: WriteTool, declined: { tool: string; input: unknown }, input: Record<string, unknown>): boolean {
  if (declined.tool !== tool.name) return false;
  const read = tool.input.safeParse(declined.input);
  return read.success && digestOf(tool.name, read.data) === digestOf(tool.name, input);
}

/** A start without an outcome: the effect may have happened. Same key, or look first. */
async function recover(tool: WriteTool, started: EventOf<'call_started'>, scope: CallScope, ctx: ToolContext): Promise<GateAnswer> {
  const plan: Plan = { kind: 'plan', arguments: started.arguments, touches: {}, preview: { summary: tool.title, facts: [], changes: [] } };
  if (tool.recovery === 'ask') return whetherItHappened(tool, scope.facts);
  if (tool.recovery === 'look-up') {
    const found = await tool.find?.(plan, ctx, started.key);
    if (found) return { is: 'answer', answer: found };
  }
  if (!(await scope.mayAct())) return { is: 'held' };
  return { is: 'answer', answer: await effect(tool, plan, ctx, started.key) };
}

/** Once it is on its way an effect is not aborted by a stop or a lost lease, only by its own time limit: its outcome must be learnt. */
function effect(tool: WriteTool, plan: Plan, ctx: ToolContext, key: string): Promise<ToolAnswer> {
  return tool.run(plan, { ...ctx, signal: AbortSignal.timeout(tool.timeoutMs) }, key);
}
