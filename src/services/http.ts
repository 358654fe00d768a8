import type { z } from 'zod';
import { parseExact, stringifyExact } from './exact-json.ts';
import { readError } from './read-error.ts';

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
    facts: { upstream: string; status: number; code?: string | null; transient: boolean; retryAfterMs?: number | null; cause?: unknown },
    options: ErrorOptions = facts.cause === undefined ? {} : { cause: facts.cause },
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

export type HttpRequest = {
  /** As a person knows it: "Databricks". */
  upstream: string;
  /** What we want of it, after "to": "run job 101". */
  what: string;
  url: string;
  method?: 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE';
  headers?: Record<string, string>;
  query?: Record<string, string | number | boolean | undefined>;
  /** Sent as JSON, bigints as bare digits. */
  json?: unknown;
  form?: Record<string, string>;
  /** For the whole answer; default 30 s. */
  timeoutMs?: number | undefined;
  /** A status beside 2xx whose body is an answer like theirs. */
  alsoAnswers?: number;
  /** Bytes after which reading stops with a TOO_LARGE; at most 32 MB. */
  largest?: number | undefined;
  signal?: AbortSignal | undefined;
};

export type HttpAnswer = { status: number; headers: Headers; bytes: Uint8Array };

const largestAnswer = 32 * 1024 * 1024;

/**
 * Sends one request, once: waiting and trying again belong to the session, where they are stored.
 * Follows no redirect to another host. Throws UpstreamError for anything but a 2xx, and the signal's reason when the caller gave up.
 */
export async function send(request: HttpRequest): Promise<HttpAnswer> {
  const timeout = AbortSignal.timeout(request.timeoutMs ?? 30_000);
  const signal = request.signal ? AbortSignal.any([request.signal, timeout]) : timeout;
  try {
    const response = await follow(request, signal);
    const bytes = await readAll(response, request);
    if (!response.ok && response.status !== request.alsoAnswers) throw refusal(request, response, new TextDecoder().decode(bytes));
    return { status: response.status, headers: response.headers, bytes };
  } catch (error) {
    if (error instanceof UpstreamError) throw error;
    request.signal?.throwIfAborted();
    const why = timeout.aborted ? `within ${Math.round((request.timeoutMs ?? 30_000) / 1000)} s` : `(${networkCode(error)})`;
    const said = `${request.upstream} did not answer ${why} when asked to ${request.what}.`;
    throw new UpstreamError(said, { upstream: request.upstream, status: 0, transient: true, cause: error });
  }
}

/** Sends and parses the JSON that comes back; integers of 16 digits and more are strings. An answer of another shape is an UpstreamError. */
export async function sendJson<T>(request: HttpRequest, schema: z.ZodType<T>): Promise<T> {
  const answer = await send(request);
  const text = new TextDecoder().decode(answer.bytes);
  let value: unknown = null;
  try {
    if (text.trim()) value = parseExact(text);
  } catch (cause) {
    const got = /^\s*</.test(text) ? 'an HTML page' : 'something that is not JSON';
    throw strange(request, answer.status, 'NOT_JSON', `${got} where JSON was expected. Is its URL right, and is there a login page in between?`, cause);
  }
  const parsed = schema.safeParse(value);
  if (parsed.success) return parsed.data;
  const issue = parsed.error.issues[0];
  const where = issue?.path.length ? `at ${issue.path.join('.')}` : 'at its top';
  throw strange(request, answer.status, 'UNEXPECTED_SHAPE', `JSON of an unexpected shape ${where}.`, parsed.error);
}

/**
 * Whether a failure is about the one thing that was asked for, so that others may be asked for all the same. An outage says nothing of it, nor does a login that is not
 * accepted any more, or a page that stands in front of everything: an operator mends that.
 */
export function isOfTheThing(error: unknown): boolean {
  return error instanceof UpstreamError && !error.transient && error.status !== 401 && error.code !== 'NOT_JSON' && error.code !== 'REDIRECTED';
}

/** Whether a backend said that the thing does not exist: 404, its own code for that, or Databricks' 400 in those words. */
export function isNotFound(error: unknown): error is UpstreamError {
  if (!(error instanceof UpstreamError)) return false;
  if (error.status === 404 || error.code === 'RESOURCE_DOES_NOT_EXIST') return true;
  return error.status === 400 && error.code === 'INVALID_PARAMETER_VALUE' && /does not exist/i.test(error.message);
}

/** The answer, or null where the backend says that the thing does not exist. */
export async function unlessMissing<T>(answer: Promise<T>): Promise<T | null> {
  try {
    return await answer;
  } catch (error) {
    if (isNotFound(error)) return null;
    throw error;
  }
}

async function follow(request: HttpRequest, signal: AbortSignal): Promise<Response> {
  let url = new URL(request.url);
  for (const [key, value] of Object.entries(request.query ?? {})) if (value !== undefined) url.searchParams.set(key, String(value));
  const body = request.json !== undefined ? stringifyExact(request.json) : request.form ? new URLSearchParams(request.form).toString() : null;
  const type = request.json !== undefined ? 'application/json' : request.form ? 'application/x-www-form-urlencoded' : null;
  const headers = { accept: 'application/json', ...(type ? { 'content-type': type } : {}), ...request.headers };
  const method = request.method ?? (body === null ? 'GET' : 'POST');
  for (let hop = 0; ; hop++) {
    const response = await fetch(url, { method, headers, body, redirect: 'manual', signal });
    const location = response.status >= 300 && response.status < 400 ? response.headers.get('location') : null;
    if (!location) return response;
    const next = new URL(location, url);
    // Our credentials go to the configured host only, and a write is never sent a second time.
    if (next.origin !== url.origin || method !== 'GET' || hop === 3) {
      await response.body?.cancel();
      throw strange(request, response.status, 'REDIRECTED', `a redirect to ${next.host}, which labmate does not follow. Check its URL.`);
    }
    await response.body?.cancel();
    url = next;
  }
}

async function readAll(response: Response, request: HttpRequest): Promise<Uint8Array> {
  const chunks: Uint8Array[] = [];
  const most = Math.min(request.largest ?? largestAnswer, largestAnswer);
  let size = 0;
  for await (const chunk of response.body ?? []) {
    size += chunk.byteLength;
    if (size > most) throw strange(request, response.status, 'TOO_LARGE', `more than ${most === largestAnswer ? '32 MB' : `${most} bytes`}.`);
    chunks.push(chunk);
  }
  return Buffer.concat(chunks);
}

function refusal({ upstream, what }: HttpRequest, response: Response, body: string): UpstreamError {
  const { status } = response;
  const { code, words } = readError(body);
  const busy = /RPC token bucket limit has been exceeded/i.test(words ?? '');
  const facts = {
    upstream,
    status,
    code,
    transient: status === 408 || status === 429 || status >= 500 || busy,
    retryAfterMs: retryAfter(response.headers.get('retry-after')),
  };
  const mark = code && code !== String(status) && code !== `HTTP_${status}` ? `${status} ${code}` : `${status}`;
  const said = words ? `: ${words}` : '.';
  if (status === 401) return new UpstreamError(`${upstream} does not accept the bot's credentials (${mark})${said}`, facts);
  if (status === 403) return new UpstreamError(`${upstream} refused to ${what} (${mark})${said}`, facts);
  if (status === 429 || busy) return new UpstreamError(`${upstream} is limiting requests (${mark}) and did not ${what}${said}`, facts);
  if (facts.transient) return new UpstreamError(`${upstream} is failing (${mark}) and did not ${what}${said}`, facts);
  return new UpstreamError(`${upstream} could not ${what} (${mark})${said}`, facts);
}

function retryAfter(header: string | null): number | null {
  if (header === null) return null;
  if (/^\d+$/.test(header)) return Number(header) * 1000;
  const date = Date.parse(header);
  return Number.isNaN(date) ? null : Math.max(0, date - Date.now());
}

function strange({ upstream, what }: HttpRequest, status: number, code: string, got: string, cause?: unknown): UpstreamError {
  return new UpstreamError(`Asked to ${what}, ${upstream} answered ${got}`, { upstream, status, code, transient: false, cause });
}

function networkCode(error: unknown): string {
  const cause = error instanceof Error ? error.cause : undefined;
  const code = (cause as { code?: unknown } | undefined)?.code;
  return typeof code === 'string' ? code : 'the connection failed';
}
