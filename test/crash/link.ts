import { type AddressInfo, connect, createServer, type Socket } from 'node:net';

/** Bytes by which a request is recognised, or several of which one will do. */
export type Word = string | readonly string[];

/** Something that waits in a link, so that its sender can be killed exactly there. `release` lets it pass, `drop` cuts the connection. */
export type Caught = { reached: Promise<void>; release(): void; drop(): void };

/** A TCP connection between one process and one service, as a network would be: it can hold, stall, slow down and break. */
export type Link = {
  port: number;
  /** Where new connections go; null: nobody is there. */
  lead(port: number | null): void;
  /** Holds the next request whose bytes hold all of `words`: before it is forwarded, or with its reply unsent. */
  hold(words: readonly Word[], when: 'before' | 'after'): Caught;
  /** Half-open: today's connections carry nothing any more, and nobody is told. New ones work. */
  stall(): void;
  /** Every piece takes so much longer, in both directions. */
  slow(ms: number): void;
  close(): Promise<void>;
};

type Trap = { words: readonly Word[]; when: 'before' | 'after'; caught: (pair: Pair) => void };
type Pair = { client: Socket; server: Socket; held: 'no' | 'requests' | 'replies'; waiting: Buffer[]; stalled: boolean };

export async function openLink(target: number | null): Promise<Link> {
  const pairs = new Set<Pair>();
  let traps: Trap[] = [];
  let delay = 0;
  const queues = new WeakMap<Socket, { piece: Buffer; at: number }[]>();

  function join(client: Socket) {
    if (target === null) return client.destroy();
    const pair: Pair = { client, server: connect(target, '127.0.0.1'), held: 'no', waiting: [], stalled: false };
    pairs.add(pair);
    const { server } = pair;
    for (const socket of [client, server]) {
      socket.setNoDelay(true);
      socket.on('error', () => socket.destroy());
      socket.on('close', () => {
        pairs.delete(pair);
        // A dead process' half of the connection is gone for the service as well; a held request dies with it.
        client.destroy();
        server.destroy();
      });
    }
    client.on('data', (piece: Buffer) => {
      const trap = pair.held === 'no' ? traps.find((t) => t.words.every((word) => [word].flat().some((w) => piece.includes(w)))) : undefined;
      if (trap) {
        traps = traps.filter((t) => t !== trap);
        pair.held = trap.when === 'before' ? 'requests' : 'replies';
        trap.caught(pair);
      }
      pass(pair, server, piece, pair.held === 'requests');
    });
    server.on('data', (piece: Buffer) => pass(pair, client, piece, pair.held === 'replies'));
  }

  function pass(pair: Pair, to: Socket, piece: Buffer, held: boolean) {
    if (pair.stalled) return;
    if (held) pair.waiting.push(piece);
    else send(to, piece);
  }

  /** A network may be late, but it never changes the order. */
  function send(to: Socket, piece: Buffer) {
    const late = queues.get(to) ?? [];
    if (delay === 0 && late.length === 0) return void to.write(piece);
    late.push({ piece, at: Date.now() + delay });
    queues.set(to, late);
    if (late.length === 1) setTimeout(() => drain(to, late), delay);
  }

  function drain(to: Socket, late: { piece: Buffer; at: number }[]) {
    while (late[0] && late[0].at <= Date.now()) to.write((late.shift() as { piece: Buffer }).piece);
    if (late[0]) setTimeout(() => drain(to, late), late[0].at - Date.now());
  }

  const server = createServer(join);
  await new Promise<void>((resolve, reject) => server.once('error', reject).listen(0, '127.0.0.1', resolve));
  return {
    port: (server.address() as AddressInfo).port,
    lead(port) {
      target = port;
      if (port === null) for (const { client } of pairs) client.destroy();
    },
    hold(words, when) {
      let pair: Pair | undefined;
      let arrive = () => {};
      const reached = new Promise<void>((resolve) => {
        arrive = resolve;
      });
      const trap: Trap = {
        words,
        when,
        caught: (at) => {
          pair = at;
          // The reply is in our hands only once the service has acted.
          if (when === 'before') arrive();
          else at.server.once('data', arrive);
        },
      };
      traps.push(trap);
      const end = () => {
        traps = traps.filter((t) => t !== trap);
      };
      return {
        reached,
        release() {
          end();
          if (!pair || pair.held === 'no') return;
          const to = pair.held === 'requests' ? pair.server : pair.client;
          pair.held = 'no';
          for (const piece of pair.waiting.splice(0)) if (!to.destroyed) send(to, piece);
        },
        drop() {
          end();
          pair?.client.destroy();
        },
      };
    },
    stall() {
      for (const pair of pairs) pair.stalled = true;
    },
    slow(ms) {
      delay = ms;
    },
    async close() {
      for (const { client } of pairs) client.destroy();
      await new Promise<void>((resolve) => server.close(() => resolve()));
    },
  };
}
