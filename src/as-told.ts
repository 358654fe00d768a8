import { isStoreAway } from './runtime/store-away.ts';
import { UpstreamError } from './services/http.ts';

/** An error for the operator's log. What is away is said in its own words; where in our code that was noticed is of no use to anybody. */
export function asTold(error: unknown): { reason: string } | { err: unknown } {
  return error instanceof UpstreamError || (error instanceof Error && isStoreAway(error)) ? { reason: error.message } : { err: error };
}
