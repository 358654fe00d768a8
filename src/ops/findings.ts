import { UpstreamError } from '../services/http.ts';

/** One thing looked at. `wrong` would stop or break something; `warning` is unwise; `left out` is not configured, with what that costs. */
export type Finding = { is: 'ok' | 'left out' | 'warning' | 'wrong'; about: string; text: string };

export const ok = (about: string, text: string): Finding => ({ is: 'ok', about, text });
export const wrong = (about: string, text: string): Finding => ({ is: 'wrong', about, text });
export const warning = (about: string, text: string): Finding => ({ is: 'warning', about, text });
export const leftOut = (about: string, text: string): Finding => ({ is: 'left out', about, text });

const LIMIT_MS = 10_000;

/** What a look-up says when it works, or why it does not and, where the reason itself names none, the fix. */
export async function look(about: string, work: (signal: AbortSignal) => Promise<string | Finding[]>, fix?: (error: unknown) => string): Promise<Finding[]> {
  try {
    const answer = await work(AbortSignal.timeout(LIMIT_MS));
    return typeof answer === 'string' ? [ok(about, answer)] : answer;
  } catch (error) {
    const why = error instanceof Error && error.name !== 'TimeoutError' ? error.message : `no answer within ${LIMIT_MS / 1000} s.`;
    return [wrong(about, fix ? `${why} ${fix(error)}`.trimEnd() : why)];
  }
}

/** A request of the doctor's own. Where nobody answers, the fix is the variable that holds the address. */
export async function reach(variable: string, url: string, init: RequestInit): Promise<Response> {
  try {
    return await fetch(url, init);
  } catch (error) {
    throw new Error(`does not answer (${whyNot(error)}). ${seeAddress(variable)}`, { cause: error });
  }
}

/** What Slack itself refuses names its fix. */
export function fixOfSlack(error: unknown): string {
  return error instanceof UpstreamError && error.status === 200 ? '' : seeAddress('SLACK_API_URL');
}

export const seeAddress = (variable: string) => `Correct ${variable}, or see to the network.`;

/** fetch itself says that it failed, and why a level below. */
function whyNot(error: unknown): string {
  if (!(error instanceof Error)) return 'no reason given';
  if (error.name === 'TimeoutError') return `within ${LIMIT_MS / 1000} s`;
  const cause = error.cause instanceof Error ? error.cause : error;
  return (cause as NodeJS.ErrnoException).code ?? cause.message;
}
