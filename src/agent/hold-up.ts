import { setTimeout as sleep } from 'node:timers/promises';
import { StdioClientTransport } from '@modelcontextprotocol/sdk/client/stdio.js';

/**
 * Each message is parsed and checked by the worker, wanted or not; nobody who answers calls writes nearly as many. A child's message is one line; an event is some
 * more, and lines that make up no event are work as well.
 */
const MOST_LINES_A_SECOND = 1_000;
const NEWLINE = 10;

/** Is told once for each connection. */
export type Crowded = () => void;

/** Ms to wait before more is read of somebody who writes more lines than anybody can want. */
function pauses(crowded: Crowded): (chunk: Uint8Array) => number {
  let began = 0;
  let lines = 0;
  let told = false;
  return (chunk) => {
    const now = performance.now();
    if (now - began >= 1_000) {
      began = now;
      lines = 0;
    }
    for (let at = chunk.indexOf(NEWLINE); at !== -1; at = chunk.indexOf(NEWLINE, at + 1)) lines += 1;
    if (lines <= MOST_LINES_A_SECOND) return 0;
    if (!told) crowded();
    told = true;
    return 1_000 - (now - began);
  };
}

/** A stream of events that is read no faster than its lines can be wanted: its writer waits. */
export function heldUp(crowded: Crowded): TransformStream<Uint8Array, Uint8Array> {
  const pauseAfter = pauses(crowded);
  return new TransformStream({
    async transform(chunk, to) {
      to.enqueue(chunk);
      const ms = pauseAfter(chunk);
      if (ms > 0) await sleep(ms);
    },
  });
}

/** The same for a child: its pipe fills, and it waits. */
export class HeldChild extends StdioClientTransport {
  readonly #crowded: Crowded;

  constructor(options: ConstructorParameters<typeof StdioClientTransport>[0], crowded: Crowded) {
    super(options);
    this.#crowded = crowded;
  }

  override async start(): Promise<void> {
    await super.start();
    // The SDK offers no way to hold up what a child writes.
    const { stdout } = (this as unknown as { _process: { stdout: NodeJS.ReadableStream } })._process;
    const pauseAfter = pauses(this.#crowded);
    stdout.on('data', (chunk: Buffer) => {
      const ms = pauseAfter(chunk);
      if (ms <= 0) return;
      stdout.pause();
      setTimeout(() => stdout.resume(), ms).unref();
    });
  }
}
