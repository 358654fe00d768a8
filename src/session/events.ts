import { z } from 'zod';

/**
 * What can happen to a session. The log of these is the session: state, transcript, thread, card and record are functions of it.
 * Field names are the record's, so they are snake_case where two words are needed and never change within a version.
 */

const id = z.string().min(1);
const json = z.record(z.string(), z.unknown());

/** What a card shows. Made by a tool's `plan` and kept, so that pending and decided card are drawn from the same data. */
export const previewSchema = z.object({
  /** One line in plain words: "Run job 101 (ads-train) in dev". */
  summary: z.string(),
  environment: z.string().optional(),
  /** What the reader needs to judge: typical duration, repository, branch, what the host adds. */
  facts: z.array(z.object({ label: z.string(), value: z.string() })),
  /** What differs from the target's own defaults. */
  changes: z.array(z.object({ name: z.string(), from: z.string().nullable(), to: z.string() })),
  /** How this differs from what was done last with the same target, where there was a last time. */
  last: z.object({ what: z.string(), changes: z.array(z.object({ name: z.string(), from: z.string().nullable(), to: z.string() })) }).optional(),
  /** What the host itself adds to what is sent, now or when the session has ended. */
  adds: z.array(z.string()).optional(),
  /** SHA-256 of the target's own definition as it was looked at. Where it is another one at the call, people are asked again. */
  target: z.string().optional(),
  /** What Slack calls the people that the call's text names by id, for readers who are not in Slack. */
  people: z.record(z.string(), z.string()).optional(),
  /** The model's own words, quoted and labelled below the facts. */
  why: z.string().optional(),
});
export type Preview = z.infer<typeof previewSchema>;

/** A condition on a metric of a run that wakes a waiting session early. */
export const tripwireSchema = z.object({
  metric: z.string(),
  kind: z.enum(['below', 'above', 'nan', 'stalled']),
  value: z.number().optional(),
  after_step: z.number().optional(),
  /** For `stalled`: no improvement for so many steps. */
  steps: z.number().optional(),
  /** For `stalled`: which way is better. */
  direction: z.enum(['max', 'min']).optional(),
});
export type Tripwire = z.infer<typeof tripwireSchema>;

/** Why a call is parked. Each kind has one waker and all of them come in through `deliver`. */
export const waitingSchema = z.discriminatedUnion('for', [
  z.object({
    for: z.literal('approval'),
    approval: id,
    /** SHA-256 over RFC 8785 canonical JSON of {tool, arguments}. */
    digest: z.string().regex(/^[0-9a-f]{64}$/),
    /** Resolved: exactly what will be sent. */
    arguments: json,
    preview: previewSchema,
    expires_at: z.string(),
    /** How many different people must say yes. */
    need: z.number().int().min(1),
    /** Why an earlier yes no longer counts, where there was one. */
    again: z.string().optional(),
  }),
  z.object({
    for: z.literal('job'),
    run_ids: z.array(id).min(1),
    until: z.enum(['all', 'any']),
    conditions: z.array(tripwireSchema),
    deadline: z.string().nullable(),
    /** The metric whose curve is shown meanwhile, where one was named. */
    metric: z.string().optional(),
  }),
  z.object({ for: z.literal('answer'), question: z.string(), options: z.array(z.string()), to: z.string(), free_text: z.boolean() }),
  z.object({
    for: z.literal('retry'),
    at: z.string(),
    why: z.string(),
    upstream: z.string(),
    attempt: z.number().int(),
    /** Nobody gets an answer there: it sleeps until that is over, however long, and is looked at now and then without a line of its own. */
    outage: z.literal(true).optional(),
  }),
]);
export type Waiting = z.infer<typeof waitingSchema>;

export const imageSchema = z.object({ sha256: z.string(), bytes: z.number(), media_type: z.string(), alt: z.string() });
export type ImageRef = z.infer<typeof imageSchema>;

/** How a call ended. `text` is what the model reads; `data` the exact values that code reads. */
export const outcomeSchema = z.object({
  status: z.enum(['ok', 'failed', 'denied', 'refused', 'expired', 'withdrawn', 'unknown']),
  text: z.string(),
  /** What people read of it, where `text` holds more than is theirs: a code, what a model should do next. */
  said: z.string().optional(),
  data: json.optional(),
  images: z.array(imageSchema).optional(),
});
export type Outcome = z.infer<typeof outcomeSchema>;

export const usageSchema = z.object({ input: z.number(), output: z.number(), cache_read: z.number(), cache_write: z.number() });
export type Usage = z.infer<typeof usageSchema>;

const call = { call: id };
const decision = { call: id, approval: id, by: id, digest: z.string() };

export const eventSchema = z.discriminatedUnion('type', [
  z.object({
    type: z.literal('opened'),
    team: id,
    channel: id,
    /** The thread's ts; null until the root message that the host posts is known (a slash command has none). */
    thread: z.string().nullable(),
    by: id,
    /** To the letter, after un-escaping &amp; &lt; &gt;. */
    prompt: z.string(),
    /** What people type: e-7k2f. */
    alias: id,
    door: z.enum(['command', 'mention', 'direct', 'reply', 'shortcut', 'form', 'mcp', 'button']),
    model: z.string(),
    after: z.object({ session: id, head: z.string(), report: z.string() }).optional(),
    /** The experiment that this one repeats, and its place in the line of repetitions. */
    rerun_of: z
      .object({
        session: id,
        alias: id,
        /** Its record's head when it was repeated. */
        head: z.string(),
        /** The session the line began with. */
        first: id,
        /** 2 for the first repetition. */
        line: z.number().int().min(2),
        /** Aliases of those before, oldest first, the last ten. */
        earlier: z.array(z.string()),
        /** Parameters that the prompt states over what was asked first; empty where the prompt was written anew. */
        changes: z.record(z.string(), z.string()),
      })
      .optional(),
    /** The thread so far, where the bot was mentioned in the middle of one. Quoted, never obeyed. */
    quoted: z.array(z.object({ by: z.string(), text: z.string(), ts: z.string() })).optional(),
  }),
  z.object({
    type: z.literal('told'),
    by: id,
    text: z.string(),
    ts: z.string().nullable(),
    /**
     * `stop` ends the session; `change` withdraws the open card and lets the model plan anew; `raise` doubles its budgets; `cancel_run` and `leave_run` say after a
     * stop what becomes of runs that go on. `edit` and `delete` alter what somebody has said before.
     */
    kind: z.enum(['message', 'edit', 'delete', 'stop', 'change', 'retry', 'raise', 'cancel_run', 'leave_run']),
    standing: z.enum(['requester', 'approver', 'asked', 'other']),
    /** The parked question this answers, if any; empty where several are open and nothing tells which is meant, or words before these ended the wait. Absent where none is open; in older records, also where it answered all that were. */
    answers: z.string().optional(),
    /** For `edit` and `delete`: the ts of the message that was altered. */
    of: z.string().optional(),
  }),
  z.object({
    type: z.literal('replied'),
    model: z.string(),
    /** The last event the model had seen; what came later it sees next time. */
    saw: z.number().int(),
    stop: z.string(),
    /** The provider's blocks, verbatim: thinking blocks must go back unmodified. */
    content: z.array(z.unknown()),
    calls: z.array(z.object({ id, tool: z.string(), input: z.unknown() })),
    usage: usageSchema,
    request_id: z.string().nullable(),
    refusal: z.string().optional(),
    /** The host itself makes these calls, after a stop; no model said anything. */
    host: z.literal(true).optional(),
  }),
  /** A client of an MCP door had a look: what it asked and what it was told, in one line. */
  z.object({ type: z.literal('looked'), ...call, client: z.string(), tool: z.string(), input: z.unknown(), outcome: outcomeSchema }),
  z.object({ type: z.literal('call_parked'), ...call, waiting: waitingSchema }),
  z.object({
    type: z.literal('call_started'),
    ...call,
    tool: z.string(),
    /** The effect's outward key, a pure function of session and call. */
    key: z.string(),
    digest: z.string(),
    /** Absent where a rule let the call run by itself; then `rule` says which. */
    approval: z.string().optional(),
    rule: z.string().optional(),
    arguments: json,
    timeout_ms: z.number(),
  }),
  z.object({ type: z.literal('call_finished'), ...call, outcome: outcomeSchema }),
  z.object({
    type: z.literal('approved'),
    ...decision,
    /** What Slack called them when they said so. */
    name: z.string().optional(),
    /** How many yes there are now, and how many it takes. */ votes: z.number().int(),
    need: z.number().int(),
  }),
  z.object({ type: z.literal('denied'), ...decision, reason: z.string().optional() }),
  z.object({
    type: z.literal('edited'),
    ...decision,
    /** The successor: a new approval of new bytes. */
    next: z.object({
      approval: id,
      digest: z.string(),
      arguments: json,
      preview: previewSchema,
      expires_at: z.string(),
      /** What the tool is asked with from now on, in place of what the model gave it. */
      input: json.optional(),
    }),
  }),
  z.object({
    type: z.literal('withdrawn'),
    ...call,
    approval: id,
    by: id,
    /** An approver takes the own yes back, or somebody who may takes the whole question back. */
    of: z.enum(['vote', 'question']),
    why: z.string().optional(),
  }),
  z.object({ type: z.literal('expired'), ...call, approval: id }),
  z.discriminatedUnion('of', [
    /** The gate refused a call: nothing ran and nothing will. */
    z.object({
      type: z.literal('refused'),
      of: z.literal('call'),
      ...call,
      why: z.string(),
      /** By labmate.json, whoever would say yes: asked for again, it is refused again. */
      by: z.literal('policy').optional(),
    }),
    /** Somebody's click did not count. */
    z.object({ type: z.literal('refused'), of: z.literal('decision'), ...call, approval: id, by: id, why: z.string() }),
  ]),
  z.object({
    type: z.literal('woken'),
    ...call,
    /** `again`: the client of an MCP door made the identical call once more. */
    why: z.enum(['job', 'tripwire', 'deadline', 'retry', 'answer', 'message', 'again']),
    /** What the waker saw: run states, the metric that tripped. */
    data: json.optional(),
  }),
  z.object({
    type: z.literal('noted'),
    about: z.enum(['retry', 'cut', 'refusal', 'limit', 'attention', 'broken', 'told', 'recovered', 'secret', 'offer']),
    text: z.string(),
    /** For `retry`: when the model is asked again. */
    until: z.string().optional(),
    attempt: z.number().int().optional(),
    upstream: z.string().optional(),
    outage: z.literal(true).optional(),
    call: z.string().optional(),
    /** For `recovered`, where the session had outgrown the model's window: results of replies up to this seq are left out of what the model is shown. */
    omits_to: z.number().int().optional(),
    /** For `recovered`, where the model's service refused a picture: calls whose pictures are left out of what the model is shown. */
    omits_pictures: z.array(z.string()).optional(),
  }),
  z.object({
    type: z.literal('ended'),
    outcome: z.enum(['done', 'stopped', 'failed', 'limit']),
    text: z.string(),
    /** What the model cost, in US dollars, where labmate.json names prices. */
    usd: z.number().nonnegative().optional(),
  }),
]);

/** One fact of a session's life, without its place in the chain. */
export type SessionEvent = z.infer<typeof eventSchema>;
/** One thing that keeps a value from being an event. */
export type EventFault = z.core.$ZodIssue;
export type EventOf<T extends SessionEvent['type']> = Extract<SessionEvent, { type: T }>;

/** An event at its place in the log. `m` is Redis server time in ms: logic uses it; `at` inside the line is for readers. */
export type Entry = { seq: number; m: number; fence: number; line: string; hash: string; at: string; event: SessionEvent };
