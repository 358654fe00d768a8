import type { Usage } from '../session/events.ts';

export type ToolSpec = { name: string; description: string; input_schema: Record<string, unknown> };

/** One turn of the model. `messages`: JSON in the provider's own shape, without the brackets around them, made from the log by session/transcript.ts. */
export type ModelRequest = { system: string; tools: readonly ToolSpec[]; messages: readonly Buffer[]; maxTokens: number; signal: AbortSignal };

/** What came of asking. Everything that is not a reply is a value too: only bugs throw. */
export type ModelAnswer =
  /** A complete reply. Tool calls count only where `stop` is `tool_use`. */
  | { kind: 'reply'; content: unknown[]; stop: string; usage: Usage; requestId: string | null; model: string; refusal?: string }
  /** 408, 409, 429, 5xx, 529, a cut stream, no connection: ask again later. */
  | { kind: 'wait'; why: string; retryAfterMs: number | null }
  /** 413, or a request with more tokens than the model takes: only a shorter one would help. */
  | { kind: 'outgrown'; why: string }
  /** The service cannot read a picture: without it the same request would do. */
  | { kind: 'picture'; why: string }
  /** 400, 401, 402, 403, 404: asking again would not help. */
  | { kind: 'final'; why: string }
  /** Our own signal: stopped, or the lease is lost. */
  | { kind: 'aborted' };

export type Model = (request: ModelRequest) => Promise<ModelAnswer>;
