import { AnthropicError, APIConnectionError, APIConnectionTimeoutError, APIError, APIUserAbortError } from '@anthropic-ai/sdk/core/error';
import type { ModelAnswer } from './model.ts';

/** The stream went quiet for longer than we wait. */
export class SilentModel extends Error {
  override readonly name = 'SilentModel';
}

/** A reply came whole but can't be trusted. */
export class UnreadableReply extends Error {
  override readonly name = 'UnreadableReply';
}

type Asked = { apiKey: string; baseUrl?: string | undefined; model: string };

/**
 * Turns whatever the SDK throws into an outcome with a sentence for people. Only a status (or an error event's type) that says "don't ask
 * again" is final; everything unclear is a wait, because a cut stream and a broken proxy look alike from here.
 */
export function answerOfError(error: unknown, asked: Asked): Exclude<ModelAnswer, { kind: 'reply' }> {
  if (error instanceof SilentModel) return wait('Claude stopped answering in the middle of a turn.');
  if (error instanceof UnreadableReply) return wait(`Claude's reply could not be used: ${error.message}.`);
  if (error instanceof APIConnectionTimeoutError) return wait(`Claude did not answer in time (${hostOf(asked)}).`);
  if (error instanceof APIConnectionError) return wait(`Claude can't be reached at ${hostOf(asked)}${codeOf(error)}.`);
  if (error instanceof APIUserAbortError) return wait('The request to Claude was broken off.');
  if (error instanceof APIError) {
    const status = error.status ?? statusOfType[error.type ?? ''] ?? 500;
    if (isTemporary(status)) return wait(temporary(status), retryAfterMs(error.headers));
    const kind = isTooLong(status, error) ? 'outgrown' : isAboutPicture(status, error) ? 'picture' : 'final';
    return { kind, why: scrub(refused(status, error, asked), asked) };
  }
  // A stream that was cut, ended early, or held something that is not JSON or not of the shape it should have.
  if (error instanceof AnthropicError || error instanceof SyntaxError || error instanceof TypeError)
    return wait("Claude's answer broke off or could not be read.");
  throw error;
}

function wait(why: string, retryAfter: number | null = null): { kind: 'wait'; why: string; retryAfterMs: number | null } {
  return { kind: 'wait', why, retryAfterMs: retryAfter };
}

/** The service counts the tokens of a request before it begins to answer. */
function isTooLong(status: number, error: APIError): boolean {
  return status === 413 || (status === 400 && /prompt is too long|context (window|limit)/i.test(error.apiMessage ?? ''));
}

/** "Could not process image", "image exceeds 5 MB maximum", "…image.source.base64: …": one bad picture refuses the whole request. */
function isAboutPicture(status: number, error: APIError): boolean {
  return status === 400 && /\bimages?\b/i.test(error.apiMessage ?? '');
}

function isTemporary(status: number): boolean {
  return status === 408 || status === 409 || status === 429 || status >= 500;
}

/** An error event inside a stream comes under status 200 and has only a type. */
const statusOfType: Record<string, number> = {
  invalid_request_error: 400,
  authentication_error: 401,
  billing_error: 402,
  permission_error: 403,
  not_found_error: 404,
  request_too_large: 413,
  rate_limit_error: 429,
  timeout_error: 504,
  overloaded_error: 529,
};

function temporary(status: number): string {
  if (status === 429) return 'Claude limits our rate (429).';
  if (status === 529) return 'Claude is overloaded (529).';
  return `Claude had an error of its own (${status}).`;
}

function refused(status: number, error: APIError, asked: Asked): string {
  const said = error.apiMessage ? `: ${error.apiMessage.slice(0, 300)}` : '';
  switch (status) {
    case 401:
      return 'Claude refused our key (401). Whoever runs the bot should check ANTHROPIC_API_KEY.';
    case 402:
      return 'Claude refused the request because of billing (402). Whoever owns ANTHROPIC_API_KEY should check its credit.';
    case 403:
      return `The key in ANTHROPIC_API_KEY may not use ${asked.model} (403)${said}`;
    case 404:
      return `Claude does not know the model "${asked.model}" (404). Whoever runs the bot should check ANTHROPIC_MODEL.`;
    case 413:
      return 'The session has grown too large for one request to Claude (413).';
    default:
      return `Claude refused the request (${status})${said}`;
  }
}

/** Retry-After in ms: `retry-after-ms`, seconds, or a date. Null where it says nothing usable. */
function retryAfterMs(headers: Headers | undefined): number | null {
  const ms = Number(headers?.get('retry-after-ms') ?? Number.NaN);
  if (ms >= 0) return ms;
  const text = headers?.get('retry-after');
  if (!text) return null;
  const seconds = Number(text);
  const at = Number.isNaN(seconds) ? Date.parse(text) - Date.now() : seconds * 1000;
  return Number.isFinite(at) ? Math.max(0, Math.round(at)) : null;
}

/** The host alone: a base URL may carry a user and a password. */
function hostOf(asked: Asked): string {
  try {
    return new URL(asked.baseUrl ?? 'https://api.anthropic.com').host;
  } catch {
    return 'the address in ANTHROPIC_BASE_URL';
  }
}

function codeOf(error: unknown): string {
  for (let e = error; e instanceof Error; e = e.cause) if ('code' in e && typeof e.code === 'string') return ` (${e.code})`;
  return '';
}

function scrub(text: string, asked: Asked): string {
  return asked.apiKey ? text.replaceAll(asked.apiKey, '[key]') : text;
}
