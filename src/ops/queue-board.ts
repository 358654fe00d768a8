import type { IncomingMessage, ServerResponse } from 'node:http';
import { createBullBoard } from '@bull-board/api';
import { BullMQAdapter } from '@bull-board/api/bullMQAdapter';
import { ExpressAdapter } from '@bull-board/express';
import type { Doorbell } from '../runtime/doorbell.ts';

/** Where it is, beside `/metrics`. */
export const BOARD_PATH = '/queues';

/** The bells as a page, to look at and not to touch. Loaded only where QUEUE_BOARD is on. A bell names a session and holds nothing else. */
export function queueBoard({ queue }: Doorbell): (request: IncomingMessage, response: ServerResponse) => void {
  const server = new ExpressAdapter().setBasePath(BOARD_PATH);
  createBullBoard({
    queues: [new BullMQAdapter(queue as never, { readOnlyMode: true, allowRetries: false })],
    serverAdapter: server,
    // Where Redis is and how it is set up is for `labmate doctor`.
    options: { uiConfig: { boardTitle: 'labmate: bells', hideRedisDetails: true } },
  });
  const router = server.getRouter() as (request: IncomingMessage, response: ServerResponse) => void;
  return (request, response) => {
    request.url = (request.url ?? '/').slice(BOARD_PATH.length) || '/';
    router(request, response);
  };
}
