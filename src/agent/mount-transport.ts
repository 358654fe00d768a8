import { ClientCredentialsProvider, PrivateKeyJwtProvider } from '@modelcontextprotocol/sdk/client/auth-extensions.js';
import { SSEClientTransport } from '@modelcontextprotocol/sdk/client/sse.js';
import { StdioClientTransport } from '@modelcontextprotocol/sdk/client/stdio.js';
import { StreamableHTTPClientTransport } from '@modelcontextprotocol/sdk/client/streamableHttp.js';
import type { Transport } from '@modelcontextprotocol/sdk/shared/transport.js';
import type { MountedServer } from './mount.ts';

/** The largest single message of a child, and all that one HTTP answer may bring. */
const MOST_MESSAGE_BYTES = 16 * 1024 * 1024;
const MOST_ANSWER_BYTES = 64 * 1024 * 1024;

/**
 * The way to a mounted server. A child inherits PATH, HOME and the like, and of our own variables only what its configuration gives it. Over HTTP no redirect leads
 * to another host, and credentials go to the one authorization server that is configured.
 */
export function transportTo({ address, oauth }: MountedServer, said: (line: string) => void): Transport {
  if (address.is === 'stdio') {
    const { command, args, env, cwd } = address;
    const child = new StdioClientTransport({
      command,
      args: [...args],
      env: { ...env },
      stderr: 'pipe',
      maxBufferSize: MOST_MESSAGE_BYTES,
      ...(cwd === undefined ? {} : { cwd }),
    });
    child.stderr?.on('data', (part: Buffer) => said(part.toString('utf8').slice(0, 2_000)));
    return child;
  }
  const options = {
    requestInit: { headers: { ...address.headers } },
    fetch: limitedFetch,
    redirectPolicy: 'same-origin' as const,
    ...(oauth ? { authProvider: login(oauth) } : {}),
  };
  const url = new URL(address.url);
  // The SDK's own types disagree under exactOptionalPropertyTypes.
  return (address.is === 'sse' ? new SSEClientTransport(url, options) : new StreamableHTTPClientTransport(url, options)) as Transport;
}

function login(oauth: NonNullable<MountedServer['oauth']>) {
  const { issuer: expectedIssuer, clientId, scope } = oauth;
  const common = { clientId, clientName: 'labmate', expectedIssuer, ...(scope === undefined ? {} : { scope }) };
  if ('privateKey' in oauth) return new PrivateKeyJwtProvider({ ...common, privateKey: oauth.privateKey, algorithm: oauth.algorithm });
  return new ClientCredentialsProvider({ ...common, clientSecret: oauth.clientSecret });
}

/** An answer without end would fill the worker's memory, and with it end every session there. */
const limitedFetch: typeof fetch = async (input, init) => {
  const answer = await fetch(input, init);
  if (!answer.ok || !answer.body) return answer;
  let bytes = 0;
  const counted = answer.body.pipeThrough(
    new TransformStream<Uint8Array, Uint8Array>({
      transform(chunk, to) {
        bytes += chunk.byteLength;
        if (bytes > MOST_ANSWER_BYTES) to.error(new Error(`an answer of more than ${MOST_ANSWER_BYTES} bytes`));
        else to.enqueue(chunk);
      },
    }),
  );
  return new Response(counted, { status: answer.status, statusText: answer.statusText, headers: answer.headers });
};
