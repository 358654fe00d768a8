/** A backend that did not do what we asked. `transient` failures are waited for (stored, not slept); others are told. */
export class UpstreamError extends Error {
  readonly upstream: string;
  /** 0: no answer at all. */
  readonly status: number;
  /** The backend's own code, where it gave one. */
  readonly code: string | null;
  readonly transient: boolean;
  readonly retryAfterMs: number | null;

  /** `message` is a sentence for a person; never the raw body. */
  constructor(
    message: string,
    facts: { upstream: string; status: number; code?: string | null; transient: boolean; retryAfterMs?: number | null },
    options?: ErrorOptions,
  ) {
    super(message, options);
    this.name = 'UpstreamError';
    this.upstream = facts.upstream;
    this.status = facts.status;
    this.code = facts.code ?? null;
    this.transient = facts.transient;
    this.retryAfterMs = facts.retryAfterMs ?? null;
  }
}
