import { freePort } from '../src/sandbox/redis.ts';
import type { Child } from './child.ts';
import { hostMs, percentile } from './clock.ts';
import { click, command, deliver, SIGNING_SECRET } from './slack-side.ts';
import { type Goal, goal, median, type Stage } from './stage.ts';

const SHORT = { calls: 1, ask: 1, bytes: 100, atOnce: 64 };
const slackEnv = { SIGNING_SECRET };
/** So many times the fewest sleepers come and go before the heap is looked at. */
const WARM = 4;
const REST_MS = 50;
/** As compose.yaml runs it. */
const APART = 'gateway and worker in two processes';

/**
 * What a person waits for: from the click to the tool's own request, with nobody else there and with many asleep; and from a command to its acknowledgement, with many
 * at once. And, as the sleepers are there already, the heap that each of them costs.
 */
export async function measurePeople(
  stage: Stage,
  size: { warm: number; clicks: number; rounds: number; bursts: number; commands: number; heap: [number, number] },
): Promise<Goal[]> {
  const bolt = await stage.start('contenders/bolt.js', { env: slackEnv });
  const port = await freePort();
  const env = { ...slackEnv, REDIS_PREFIX: 'people', WIRE: 'yes' };
  const execArgv = ['--expose-gc', '--no-flush-bytecode'];
  const labmate = await stage.start('contenders/labmate.js', { env, execArgv });
  const gateway = await stage.start('contenders/gateway.js', { env: { ...env, PORT: String(port) }, execArgv });

  const [few, many] = size.heap;
  // Until the engine has compiled what parks, draws and answers, on both sides: a process of a day is measured, not one of its first minute. In the heap, too,
  // compiled code and what the engine learned took more room than all that sleep.
  await labmate.ask('park', { ...SHORT, name: 'w', sessions: few * WARM });
  await labmate.ask('approve', { name: 'w', sessions: few * WARM });
  await labmate.ask('untilNone');
  await clicks(stage, labmate, port, 'warm', size.warm);
  await bareClick(bolt, size.warm);
  const inTurns = async (name: string) => {
    const pairs: { bare: number; ours: number }[] = [];
    for (let round = 0; round < size.rounds; round++)
      pairs.push({ bare: await bareClick(bolt, size.clicks), ours: percentile(await clicks(stage, labmate, port, `${name}${round}`, size.clicks), 50) });
    return { bare: median(pairs.map((p) => p.bare)), ours: median(pairs.map((p) => p.ours)), ratio: median(pairs.map((p) => p.ours / p.bare)) };
  };
  const alone = await inTurns('u');
  const acks = await measureAcks(bolt, port, size);
  await labmate.ask('untilNone');

  const heaps: [sleepers: number, bytes: number][] = [];
  for (let asleep = few; asleep <= many; asleep += few) {
    const more = { name: `h${asleep}`, sessions: few };
    await labmate.ask('park', { ...SHORT, ...more });
    await labmate.ask('drawn', more);
    heaps.push([asleep, (await labmate.ask<number>('heap')) + (await gateway.ask<number>('heap'))]);
  }
  const crowded = await inTurns('c');
  await Promise.all([bolt.stop(), labmate.stop(), gateway.stop()]);
  const ms = (n: number) => n.toFixed(1);
  return [
    goal(
      'heap bytes for each parked session',
      slope(heaps),
      { atMost: 64 },
      `from ${few} to ${many} sessions in steps of ${few}, gateway and worker in two processes, added up`,
    ),
    goal(
      'click to the tool, p50, of a bare Bolt click and a BullMQ pickup',
      alone.ratio,
      { atMost: 3 },
      `${ms(alone.ours)} ms against ${ms(alone.bare)} ms; ${APART}`,
    ),
    goal(
      `click to the tool with ${many} asleep, of nobody there`,
      // Minutes lie between the two: each by the yardstick of its own, as the machine changes its pace.
      crowded.ratio / alone.ratio,
      { atMost: 1.5 },
      `p50 ${ms(crowded.ours)} ms (yardstick ${ms(crowded.bare)}) against ${ms(alone.ours)} ms (${ms(alone.bare)}); ${APART}`,
    ),
    acks,
  ];
}

/** The least-squares slope through all points: the noise of single looks counts little. */
function slope(points: readonly (readonly [x: number, y: number])[]): number {
  const mean = (of: 0 | 1) => points.reduce((sum, point) => sum + point[of], 0) / points.length;
  const [x0, y0] = [mean(0), mean(1)];
  const over = points.reduce((sum, [x, y]) => sum + (x - x0) * (y - y0), 0);
  return over / points.reduce((sum, [x]) => sum + (x - x0) ** 2, 0);
}

/** Ms from each click until the tool's request is on the wire, one after the other; each session ends before the next one's click. */
async function clicks(stage: Stage, labmate: Child, port: number, name: string, count: number): Promise<number[]> {
  await labmate.ask('park', { ...SHORT, name, sessions: count });
  await labmate.ask('drawn', { name, sessions: count });
  const all: number[] = [];
  for (let i = 0; i < count; i++) {
    const session = `${name}-${i}`;
    const question = await labmate.ask<string>('questionOf', { session });
    const began = hostMs();
    await deliver(port, click(question, 'U2'));
    // Asked once and answered when it has happened: looking again and again would take the processor from what is measured.
    const wired = stage.model.ask<number>('wired', { call: `${session}-1` });
    const late = new Promise<never>((_, reject) => setTimeout(() => reject(new Error(`the click on ${session} reached no tool`)), 20_000).unref());
    all.push((await Promise.race([wired, late])) - began);
    await labmate.ask('untilEnded', { session });
    await rest();
  }
  return all;
}

/**
 * Between two clicks of either side: what follows an end (the index, the bell that is done with) is not the next click's, and who has just rested takes longer to
 * begin, so both have rested alike.
 */
const rest = () => new Promise((r) => setTimeout(r, REST_MS));

/** A click on Bolt that does nothing, and a job's way to its worker: p50 of each, together. */
async function bareClick(bolt: Child, count: number): Promise<number> {
  const port = Number(bolt.hello['port']);
  const all: number[] = [];
  for (let i = 0; i < count; i++) {
    all.push(await deliver(port, click(`none/${i}`, 'U2')));
    await rest();
  }
  return percentile(all, 50) + percentile(await bolt.ask<number[]>('pickups', { count, restMs: REST_MS }), 50);
}

/** All at once; each of ours has its session in the log before it is acknowledged. */
async function measureAcks(bolt: Child, port: number, { bursts, commands }: { bursts: number; commands: number }): Promise<Goal> {
  const burst = async (at: number, name: string) => {
    const all = Array.from({ length: commands }, (_, i) => deliver(at, command(`Compare the runs. [bench ack-${name}-${i} calls=0 ask=0 wait=0 bytes=1]`)));
    return percentile(await Promise.all(all), 99);
  };
  const barePort = Number(bolt.hello['port']);
  // Bolt is compiled to its best after some ten bursts, and takes half as long from then on.
  for (let warm = 0; warm < bursts; warm++) {
    await burst(barePort, `warm-bare${warm}`);
    await burst(port, `warm${warm}`);
    await new Promise((r) => setTimeout(r, 1_000));
  }
  const bare: number[] = [];
  const ours: number[] = [];
  for (let round = 0; round < bursts; round++) {
    bare.push(await burst(barePort, `bare${round}`));
    ours.push(await burst(port, `ours${round}`));
    // What was opened is worked off before the next burst; later than after five seconds all would have to connect anew.
    await new Promise((r) => setTimeout(r, 3_000));
  }
  return goal(
    `command to ack, ${commands} at once, p99, of bare Bolt`,
    median(ours.map((each, i) => each / (bare[i] ?? Number.NaN))),
    { atMost: 1.5 },
    `${median(ours).toFixed(0)} ms against ${median(bare).toFixed(0)} ms; ${APART}, the session is stored first`,
  );
}
