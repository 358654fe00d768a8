import { SSEClientTransport } from '@modelcontextprotocol/sdk/client/sse.js';
import { StreamableHTTPClientTransport } from '@modelcontextprotocol/sdk/client/streamableHttp.js';
import type { Transport } from '@modelcontextprotocol/sdk/shared/transport.js';
import { patientFetch } from '../http-fetch.ts';
import { type Crowded, HeldChild, heldUp } from './hold-up.ts';
import type { MountedServer } from './mount.ts';
import { loginTo } from './mount-login.ts';

/** The largest single message of a child, and all that one HTTP answer may bring. */
const MOST_MESSAGE_BYTES = 16 * 1024 * 1024;
const MOST_ANSWER_BYTES = 64 * 1024 * 1024;
/** How long a server may be silent. A call has its own limit, of up to ten minutes; undici's own, of five, would come before it. */
const MOST_SILENCE_MS = 11 * 60_000;

/** Is told what a child writes on stderr, and of somebody who writes far more than anybody can want. */
export type Hears = { said(line: string): void; crowded: Crowded };

/**
 * The way to a mounted server. A child inherits PATH, HOME and the like, and of our own variables only what its configuration gives it. Over HTTP no redirect leads
 * to another host, and credentials go to the one authorization server that is configured.
 */
export function transportTo({ address, oauth, trusted }: MountedServer, { said, crowded }: Hears): Transport {
  if (address.is === 'stdio') {
    const { command, args, env, cwd } = address;
    const options = {
      command,
      args: [...args],
      env: { ...env },
      stderr: 'pipe' as const,
      maxBufferSize: MOST_MESSAGE_BYTES,
      ...(cwd === undefined ? {} : { cwd }),
    };
    const child = new HeldChild(options, crowded);
    child.stderr?.on('data', (part: Buffer) => said(part.toString('utf8').slice(0, 2_000)));
    return child;
  }
  const limited = limitedFetch(crowded);
  const options = {
    requestInit: { headers: { ...address.headers } },
    fetch: limited,
    redirectPolicy: 'same-origin' as const,
    ...(oauth ? loginTo({ oauth, trusted }, limited) : {}),
  };
  const url = new URL(address.url);
  // The SDK's own types disagree under exactOptionalPropertyTypes.
  return (address.is === 'sse' ? new SSEClientTransport(url, options) : new StreamableHTTPClientTransport(url, options)) as Transport;
}

/** An answer without end would fill the worker's memory, and with it end every session there; one that comes too fast would take all its time. */
function limitedFetch(crowded: Crowded): typeof fetch {
  const ask = patientFetch(MOST_SILENCE_MS);
  return async (input, init) => {
    const answer = await ask(input, init);
    if (!answer.ok || !answer.body) return answer;
    const events = answer.headers.get('content-type')?.includes('text/event-stream') === true;
    const counted = answer.body.pipeThrough(atMost(MOST_ANSWER_BYTES));
    const body = events ? counted.pipeThrough(heldUp(crowded)) : counted;
    return new Response(body, { status: answer.status, statusText: answer.statusText, headers: answer.headers });
  };
}

function atMost(most: number): TransformStream<Uint8Array, Uint8Array> {
  let bytes = 0;
  return new TransformStream({
    transform(chunk, to) {
      bytes += chunk.byteLength;
      if (bytes > most) to.error(new Error(`an answer of more than ${most} bytes`));
      else to.enqueue(chunk);
    },
  });
}
