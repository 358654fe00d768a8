import { UpstreamError } from './http.ts';

/** Turns whatever Octokit threw into a sentence for a person. `doing` completes "GitHub refused to ...". */
export function githubError(error: unknown, doing: string, now: () => number = Date.now): UpstreamError {
  if (error instanceof UpstreamError) return error;
  if (!isHttpError(error)) return noAnswer(error, doing);
  // Octokit reports a failed connection as a 500 of its own making; only a real answer has a response.
  if (!error.response) return error.cause instanceof UpstreamError ? error.cause : noAnswer(error.cause ?? error, doing);

  const { status } = error;
  const { headers } = error.response;
  const said = saidOf(error.response.data);
  const fact = (transient: boolean, retryAfterMs: number | null = null) => ({ upstream: 'GitHub', status, code: said, transient, retryAfterMs });

  if (status === 429 || (status === 403 && isLimit(headers, said))) {
    return new UpstreamError(`GitHub's rate limit was reached while trying to ${doing} (${status}).`, fact(true, waitOf(headers, now())), { cause: error });
  }
  if (status >= 500) return new UpstreamError(`GitHub failed while trying to ${doing} (${status}).`, fact(true, waitOf(headers, now())), { cause: error });
  return new UpstreamError(`GitHub refused to ${doing} (${status}). ${meaning(status, said)}`, fact(false), { cause: error });
}

type Headers = Record<string, string | number | undefined>;
type HttpError = Error & { status: number; response?: { headers: Headers; data: unknown } };

/** By name: the class itself lives in a package that is Octokit's, not ours. */
function isHttpError(error: unknown): error is HttpError {
  return error instanceof Error && error.name === 'HttpError' && 'status' in error;
}

/** GitHub's own reason for a 422, e.g. "Reference already exists". */
export function refusedBecause(error: unknown, reason: string): boolean {
  return error instanceof UpstreamError && error.status === 422 && (error.code ?? '').toLowerCase().includes(reason.toLowerCase());
}

function meaning(status: number, said: string): string {
  switch (status) {
    case 401:
      return 'It does not accept the token; check GITHUB_TOKEN or the app credentials.';
    case 403:
      return 'The token lacks the permission for it (contents and pull requests: write).';
    case 404:
      return 'It does not exist, or the token may not see it.';
    default:
      return said ? `It says: ${said}` : 'It gave no reason.';
  }
}

function noAnswer(cause: unknown, doing: string): UpstreamError {
  return new UpstreamError(`GitHub did not answer while trying to ${doing}.`, { upstream: 'GitHub', status: 0, transient: true }, { cause });
}

/** The short texts of an error body; HTML and other foreign bodies say nothing. */
function saidOf(data: unknown): string {
  if (typeof data !== 'object' || data === null) return '';
  const { message, errors } = data as { message?: unknown; errors?: unknown };
  const parts = [message, ...(Array.isArray(errors) ? errors.map(reasonOf) : [])];
  const words = parts.filter((p): p is string => typeof p === 'string' && p.length > 0);
  return words.join('; ').slice(0, 300);
}

function reasonOf(error: unknown): unknown {
  if (typeof error !== 'object' || error === null) return error;
  const { message, field, code } = error as { message?: unknown; field?: unknown; code?: unknown };
  return message ?? (typeof field === 'string' ? `${field} is ${typeof code === 'string' ? code : 'wrong'}` : undefined);
}

function isLimit(headers: Headers, said: string): boolean {
  return headers['retry-after'] !== undefined || String(headers['x-ratelimit-remaining']) === '0' || /rate limit/i.test(said);
}

function waitOf(headers: Headers, now: number): number | null {
  const seconds = Number(headers['retry-after']);
  if (Number.isFinite(seconds) && seconds >= 0) return seconds * 1000;
  const reset = Number(headers['x-ratelimit-reset']);
  return String(headers['x-ratelimit-remaining']) === '0' && Number.isFinite(reset) ? Math.max(0, reset * 1000 - now) : null;
}
