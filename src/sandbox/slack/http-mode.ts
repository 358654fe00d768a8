import { createHmac } from 'node:crypto';
import type { Ack, Envelope, Transport } from './deliver.ts';
import type { SlackTraffic } from './slack-traffic.ts';

/** Slack's side of HTTP mode: one signed POST for each envelope; any 2xx in time is the ack. */
export function createHttpMode(eventsUrl: string, signingSecret: string, onTraffic: SlackTraffic, now: () => number = Date.now): Transport {
  return {
    async send(envelope, withinMs) {
      const began = Date.now();
      const { type, body } = encode(envelope);
      const ack = await post(
        eventsUrl,
        body,
        { 'content-type': type, ...sign(body, signingSecret, Math.floor(now() / 1000)), ...retryHeaders(envelope) },
        withinMs,
      );
      onTraffic({ direction: 'out', what: `POST ${envelope.type}`, body: envelope, answer: ack, status: ack.ok ? 200 : 0, ms: Date.now() - began });
      return ack;
    },
  };
}

/** The v0 signature over the raw body. `at` in seconds. */
export function sign(body: string, secret: string, at = Math.floor(Date.now() / 1000)): Record<string, string> {
  const signature = createHmac('sha256', secret).update(`v0:${at}:${body}`).digest('hex');
  return { 'x-slack-request-timestamp': String(at), 'x-slack-signature': `v0=${signature}` };
}

async function post(url: string, body: string, headers: Record<string, string>, withinMs: number): Promise<Ack> {
  try {
    const response = await fetch(url, { method: 'POST', body, headers, redirect: 'error', signal: AbortSignal.timeout(withinMs) });
    const text = await response.text();
    return response.ok ? { ok: true, body: bodyOf(text) } : { ok: false, why: 'http_error' };
  } catch (error) {
    return { ok: false, why: error instanceof DOMException && error.name === 'TimeoutError' ? 'http_timeout' : 'connection_failed' };
  }
}

function encode(envelope: Envelope): { type: string; body: string } {
  if (envelope.type === 'events_api') return { type: 'application/json', body: JSON.stringify(envelope.payload) };
  const form = envelope.type === 'slash_commands' ? (envelope.payload as Record<string, string>) : { payload: JSON.stringify(envelope.payload) };
  return { type: 'application/x-www-form-urlencoded', body: new URLSearchParams(form).toString() };
}

function retryHeaders({ retry }: Envelope): Record<string, string> {
  return retry ? { 'x-slack-retry-num': String(retry.num), 'x-slack-retry-reason': retry.reason } : {};
}

function bodyOf(text: string): unknown {
  if (text === '') return null;
  try {
    return JSON.parse(text);
  } catch {
    return text;
  }
}
