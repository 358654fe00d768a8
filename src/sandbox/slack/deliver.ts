import type { Json } from './world.ts';

/** What travels to the app. One event may travel in several envelopes, one after the other. */
export type Envelope = {
  type: 'events_api' | 'slash_commands' | 'interactive';
  payload: Json;
  retry?: { num: number; reason: string } | undefined;
};

/** `body` is what came with the ack: null, a text, or an object. */
export type Ack = { ok: true; body: unknown } | { ok: false; why: 'http_timeout' | 'http_error' | 'connection_failed' };

/** How envelopes reach the app: a socket it opened, or signed requests to its URL. */
export type Transport = { send(envelope: Envelope, withinMs: number): Promise<Ack> };

export type Delivery = {
  /** An event: sent again at once, after a minute and after five where it is not acked in time. Resolves when it is over. */
  event(payload: Json): Promise<void>;
  /** A command, a click, a modal: sent once. Slack never repeats these. */
  once(type: 'slash_commands' | 'interactive', payload: Json): Promise<Ack>;
  /** The next so many deliveries arrive again although they were acked, each `copies` times. Slack does this to events; a proxy may do it to anything. */
  duplicate(times: number, copies?: number): void;
  close(): void;
};

export type DeliveryTimes = { ackMs: number; retryAfterMs: readonly number[] };
export const slackTimes: DeliveryTimes = { ackMs: 3000, retryAfterMs: [0, 60_000, 300_000] };

/** Slack's rules of delivery, the same over both transports. */
export function createDelivery(transport: Transport, times: DeliveryTimes = slackTimes): Delivery {
  const waits = new Set<() => void>();
  let closed = false;
  let duplicates = 0;
  let copies = 1;

  const pause = (ms: number) =>
    new Promise<void>((resolve) => {
      const done = () => {
        clearTimeout(timer);
        waits.delete(done);
        resolve();
      };
      const timer = setTimeout(done, ms);
      waits.add(done);
    });

  /** Sends, and again where duplicates are due; the first ack is the one that counts. */
  async function deliver(envelope: Envelope): Promise<Ack> {
    const again = duplicates > 0 ? copies : 0;
    if (again > 0) duplicates -= 1;
    const ack = await transport.send(envelope, times.ackMs);
    for (let num = 1; ack.ok && num <= again; num++) await transport.send({ ...envelope, retry: { num, reason: 'http_timeout' } }, times.ackMs);
    return ack;
  }

  return {
    async event(payload) {
      let ack = await deliver({ type: 'events_api', payload });
      for (const [i, ms] of times.retryAfterMs.entries()) {
        if (ack.ok || closed) return;
        await pause(ms);
        if (closed) return;
        ack = await transport.send({ type: 'events_api', payload, retry: { num: i + 1, reason: ack.why } }, times.ackMs);
      }
    },
    once: (type, payload) => deliver({ type, payload }),
    duplicate(n, each = 1) {
      duplicates += n;
      copies = each;
    },
    close() {
      closed = true;
      for (const done of [...waits]) done();
    },
  };
}
