import type { StreamableHTTPServerTransport } from '@modelcontextprotocol/sdk/server/streamableHttp.js';
import type { JSONRPCMessage } from '@modelcontextprotocol/sdk/types.js';
import { expect, test } from 'vitest';
import { watchRequests } from '../../src/tools/watch-requests.ts';

test('a request ends once: with its answer, when it is taken back, when its id is used again, or with the connection', async () => {
  const ends: string[] = [];
  let began = 0;
  const transport: Pick<StreamableHTTPServerTransport, 'onmessage' | 'send' | 'onclose'> = { onmessage: () => {}, send: async () => {}, onclose: () => {} };
  watchRequests(transport as StreamableHTTPServerTransport, (request, begin) => {
    const which = `${request.id}.${++began}`;
    begin();
    return (outcome) => void ends.push(`${which} ${String(outcome)}`);
  });
  const hears = (message: object) => transport.onmessage?.({ jsonrpc: '2.0', ...message } as JSONRPCMessage);
  const asks = (id: number) => hears({ id, method: 'ping' });
  const answers = (id: number) => transport.send({ jsonrpc: '2.0', id, result: {} });

  asks(1);
  await answers(1);
  asks(2);
  hears({ method: 'notifications/cancelled', params: { requestId: 2 } });
  // What was on its way already is nothing new.
  await answers(2);
  asks(3);
  asks(3);
  hears({ method: 'notifications/cancelled', params: {} });
  transport.onclose?.();
  expect(ends).toEqual(['1.1 ok', '2.2 aborted', '3.3 aborted', '3.4 aborted']);
});
