import type { IncomingMessage, ServerResponse } from 'node:http';
import { type App, HTTPReceiver, isValidSlackRequest, type Logger } from '@slack/bolt';
import { isRecord } from '../policy/is-record.ts';
import type { People } from '../runtime/people.ts';
import { type Acked, counted } from './counted.ts';

/** Slack's clock may run ahead of ours by this much. */
const AHEAD_S = 60;
const MOST_BYTES = 4 * 1024 * 1024;

/** HTTP: Bolt's receiver, answering only after the listener is done, with a guard in front of it. */
export function httpReceiver({
  signingSecret,
  port,
  logger,
  other,
  people,
  acked,
}: {
  signingSecret: string;
  port: number;
  logger: Logger;
  other?: Other | undefined;
  people: People;
  acked: Acked;
}): HTTPReceiver {
  const receiver = new HTTPReceiver({ signingSecret, port, logger, endpoints: ['/slack/events'], processBeforeResponse: true });
  const init = receiver.init.bind(receiver);
  receiver.init = (app) => init({ processEvent: counted({ people, acked }, (event) => app.processEvent(event)) } as App);
  const bolt = receiver.requestListener;
  receiver.requestListener = (req, res) => {
    if (other?.(req, res)) return;
    guard(signingSecret, req)
      .then((status) => (status === null ? bolt(req, res) : res.writeHead(status, { connection: 'close' }).end()))
      .catch(() => res.writeHead(404).end());
  };
  return receiver;
}

/** Takes requests that are not Slack's; true where it did. */
export type Other = (req: IncomingMessage, res: ServerResponse) => boolean;

/**
 * The status that answers what Bolt must not see, or null. Bolt takes any signed timestamp of the future, and a signed body that parses to null ends its process.
 * The body is read here; Bolt takes it from `rawBody`.
 */
async function guard(signingSecret: string, req: IncomingMessage): Promise<number | null> {
  const at = Number(req.headers['x-slack-request-timestamp']);
  if (at > Date.now() / 1000 + AHEAD_S) return 401;
  const raw = await bodyOf(req);
  if (!raw) return 413;
  (req as IncomingMessage & { rawBody: Buffer }).rawBody = raw;
  const body = raw.toString();
  if (isRecord(payloadOf(body, req.headers['content-type']))) return null;
  const signature = req.headers['x-slack-signature'];
  const headers = { 'x-slack-signature': typeof signature === 'string' ? signature : '', 'x-slack-request-timestamp': at };
  return isValidSlackRequest({ signingSecret, body, headers }) ? 400 : 401;
}

/** Null: longer than anything Slack sends. An iterator would cost a command as much as Bolt's check of its signature. */
function bodyOf(req: IncomingMessage): Promise<Buffer | null> {
  return new Promise((resolve, reject) => {
    const chunks: Buffer[] = [];
    let size = 0;
    req.on('data', (chunk: Buffer) => {
      size += chunk.length;
      if (size > MOST_BYTES) resolve(null);
      else chunks.push(chunk);
    });
    let whole = false;
    req.on('end', () => {
      whole = true;
      resolve(Buffer.concat(chunks));
    });
    req.on('error', reject);
    // Every request closes: an error is made only where it says something.
    req.on('close', () => whole || reject(new Error('it broke off')));
  });
}

function payloadOf(body: string, contentType: string | undefined): unknown {
  try {
    if (!contentType?.startsWith('application/x-www-form-urlencoded')) return JSON.parse(body);
    // A command has none, and need not be taken apart twice.
    if (!body.includes('payload=')) return {};
    const payload = new URLSearchParams(body).get('payload');
    return payload === null ? {} : JSON.parse(payload);
  } catch {
    return undefined;
  }
}
