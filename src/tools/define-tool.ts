import type { z } from 'zod';
import type { Touches } from '../policy/touches.ts';
import type { Databricks } from '../services/databricks.ts';
import type { GitHub } from '../services/github.ts';
import type { Grafana } from '../services/grafana.ts';
import type { MLflow } from '../services/mlflow.ts';
import type { SlackService } from '../services/slack.ts';
import type { Preview, Waiting } from '../session/events.ts';
import type { Session } from '../session/state.ts';

/**
 * A tool is one capability: what it takes, what it gives, the words the model reads, what it would touch and what it does.
 * Nothing here knows the MCP SDK, so another protocol version is one more adapter beside server.ts.
 */
export type Tool = ReadTool | WriteTool;

type Common = {
  name: string;
  title: string;
  /** What, in one line; "Use when ..."; "Not for ..." (the sibling); units and id formats. No policy. */
  description: string;
  /** Strict: an unknown key is a message the model can read, never dropped in silence. */
  input: z.ZodObject;
  /** A plain object; loose on writes, where a mismatch must not make a run that started look failed. */
  output: z.ZodObject;
  /** The backend it needs; without it the tool is not listed. */
  needs: readonly (keyof Services)[];
  /** It works in an experiment's own thread alone; elsewhere it says so. */
  needsThread?: true;
};

export type ReadTool = Common & {
  kind: 'read';
  run(input: never, ctx: ToolContext): Promise<ToolAnswer>;
};

export type WriteTool = Common & {
  kind: 'write';
  destructive: boolean;
  idempotent: boolean;
  /** Looks without touching: resolves the arguments and says what they would touch. */
  plan(input: never, ctx: ToolContext): Promise<Plan | Question | Refusal>;
  /** Does it. Only the gate calls this, after the claim. `key` is the effect's outward key (64 hex characters). */
  run(plan: Plan, ctx: ToolContext, key: string): Promise<ToolAnswer>;
  /**
   * How a call that was cut off is recovered: the backend honours our key; or we look for our own mark first; or neither can be done, so that it is never sent
   * again and a person is asked whether it happened.
   */
  recovery: 'same-key' | 'look-up' | 'ask';
  /** For `look-up`: the outcome if the effect is there, null if it is surely not. */
  find?(plan: Plan, ctx: ToolContext, key: string): Promise<ToolAnswer | null>;
  /** After this many ms an unanswered request is given up; recovery looks no earlier. */
  timeoutMs: number;
  /** It is a mounted server's, with the JSON Schema of what it takes. `readOnly`: what that server says, where it is believed; else nobody knows. */
  foreign?: { /** As people know it. */ upstream: string; readOnly: boolean | undefined; schema: Record<string, unknown> } | undefined;
};

/** What a write would do, from real look-ups. `arguments` is what is approved, digested and sent. */
export type Plan = { kind: 'plan'; arguments: Record<string, unknown>; touches: Touches; preview: Preview };

/** The arguments can't be resolved without a person. `text` tells the model what to do; `ask` puts the same to people as a question. */
export type Question = {
  kind: 'question';
  text: string;
  ask: string;
  data?: Record<string, unknown>;
  /** The path of the argument it is about. */
  argument?: readonly string[];
};

/** It may not be done, whoever says yes. `why` is a sentence for the record and the model. */
export type Refusal = { kind: 'refusal'; why: string };

export type ToolImage = { data: Uint8Array; mediaType: string; alt: string };

export type ToolAnswer =
  | { kind: 'done'; text: string /** What of the text is for people, where not all is. */; said?: string; data: Record<string, unknown>; images?: ToolImage[] }
  /** The host parks the call; a door without a session long-polls instead. `data` is the answer so far. */
  | { kind: 'wait'; waiting: Exclude<Waiting, { for: 'approval' | 'retry' }>; text: string; data: Record<string, unknown> };

/** A failure the model can correct or must tell: rendered `CODE: what. Next: next. (retryable|not retryable)`. */
export class ToolError extends Error {
  readonly code: string;
  /** The fact alone, for a person: what to do next is the model's. */
  readonly what: string;
  readonly retryable: boolean;
  /** The path of the argument it is about, where it is about one. */
  argument?: readonly string[];

  constructor(code: string, what: string, next: string, retryable = false) {
    super(`${code}: ${what} Next: ${next} (${retryable ? 'retryable' : 'not retryable'})`);
    this.name = 'ToolError';
    this.code = code;
    this.what = what;
    this.retryable = retryable;
  }

  about(...argument: readonly string[]): this {
    this.argument = argument;
    return this;
  }
}

export type Services = {
  databricks?: Databricks | undefined;
  mlflow?: MLflow | undefined;
  grafana?: Grafana | undefined;
  github?: GitHub | undefined;
  slack?: SlackService | undefined;
  /** What happened in this and earlier sessions. */
  sessions?: SessionReader | undefined;
};

/** Reads sessions of one team by their full or their short id, with the record's exact lines; null where the team has none of that id. */
export type SessionReader = (team: string, id: string) => Promise<StoredSession | null>;
export type StoredSession = { session: Session; lines: readonly string[]; head: string; thread: { channel: string; ts: string } | null };

/** What a tool may know of labmate.json. */
export type ToolSettings = {
  defaults: { job?: string | undefined; experiment?: string | undefined; repository?: string | undefined; base?: string | undefined };
  metrics: Record<string, 'max' | 'min'>;
  thresholdReading: 'relative' | 'points';
  recordsPath: string;
  /** US dollars an hour, by job id. */
  jobCostPerHour?: Readonly<Record<string, number>> | undefined;
  /** Whether the record's final head is put where others keep it. */
  anchors?: boolean | undefined;
  environments: import('../policy/environments.ts').Environments;
  /** Where jobs may be started; without it a tool can't say which environment a job belongs to. */
  actIn?: readonly string[] | undefined;
  /** What may be read, as globs; without it everything may. Writes are held against the same lists by policy. */
  allow?: { experiments: readonly string[]; dashboards: readonly string[]; repositories?: readonly string[] | undefined } | undefined;
};

/** What a tool may know of the session it works for; null at a door without one. */
export type SessionFacts = {
  id: string;
  alias: string;
  team: string;
  channel: string;
  /** The root message's ts once it is posted. */
  thread: string | null;
  requester: string;
  prompt: string;
  call: string;
  /** Databricks runs this session started. */
  runs: readonly string[];
  /** Facts that woke this call since it was parked, oldest first; empty at the first run. */
  woken: readonly { why: string; data?: Record<string, unknown> | undefined }[];
  /** A person's answer to this call's question. */
  answer?: { by: string; text: string; at: string } | undefined;
  /** Until when this call's first wait for a job was to last, ISO. */
  deadline?: string | undefined;
  /** A message that interrupts this call's wait. */
  interrupted?: { by: string; text: string } | undefined;
  /** What an earlier plan of this call resolved and a person was shown: resolve to the same bytes where they still exist. */
  resolved?: Record<string, unknown> | undefined;
  /** Who approved this call. */
  approvedBy: readonly string[];
  /** The record up to this call's own approval, a pure function of the log: the session as it stood there, and its lines. */
  record(): { session: Session; jsonl(): string };
  /** Posts of this session outside its thread so far. */
  postsOutside: number;
  /** The pages that tools have told of so far, each with a short name. */
  links(): ReadonlyMap<string, string>;
};

export type ToolContext = {
  services: Services;
  settings: ToolSettings;
  session: SessionFacts | null;
  /** Whose experiments may be read where there is no session. */
  reader?: { team: string; user: string | null } | undefined;
  signal: AbortSignal;
  now: () => number;
};

/** A context in which these backends are there: that of a tool that needs them. */
export type ContextWith<N extends keyof Services> = ToolContext & { services: { [K in N]-?: NonNullable<Services[K]> } };

/** Checks a read tool's types and erases them: it is listed only where all that it `needs` is there. */
export function readTool<I extends z.ZodObject, N extends keyof Services = never>(
  tool: Omit<ReadTool, 'kind' | 'run' | 'input' | 'needs'> & {
    input: I;
    needs: readonly N[];
    run(input: z.output<I>, ctx: ContextWith<N>): Promise<ToolAnswer>;
  },
): ReadTool {
  return { ...tool, kind: 'read' } as ReadTool;
}

/** Checks a write tool's types and erases them, as for a read tool. */
export function writeTool<I extends z.ZodObject, N extends keyof Services = never>(
  tool: Omit<WriteTool, 'kind' | 'plan' | 'run' | 'find' | 'input' | 'needs'> & {
    input: I;
    needs: readonly N[];
    plan(input: z.output<I>, ctx: ContextWith<N>): Promise<Plan | Question | Refusal>;
    run(plan: Plan, ctx: ContextWith<N>, key: string): Promise<ToolAnswer>;
    find?(plan: Plan, ctx: ContextWith<N>, key: string): Promise<ToolAnswer | null>;
  },
): WriteTool {
  return { ...tool, kind: 'write' } as WriteTool;
}

export function done(text: string, data: Record<string, unknown>, images?: ToolImage[]): ToolAnswer {
  return { kind: 'done', text, data, ...(images?.length ? { images } : {}) };
}

/** As `done`, with what the model should do next, which is not for people to read. */
export function advised(said: string, advice: string, data: Record<string, unknown>): ToolAnswer {
  return { kind: 'done', text: `${said} ${advice}`, said, data };
}
