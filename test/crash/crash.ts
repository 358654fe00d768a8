import { setTimeout as sleep } from 'node:timers/promises';
import type { Kill } from './kill.ts';
import { DEPLOY, KILLS, schedule } from './kills.ts';
import { judgeAll, type Verdict } from './oracle.ts';
import { type Chances, startPeople } from './people.ts';
import { bundle, dropBundles, LATER } from './processes.ts';
import { seeded } from './random.ts';
import { noRecoveries, type Recoveries, shares, startClock } from './recovery.ts';
import { openCrashStage } from './stage.ts';
import { DAY_MS } from './time-kills.ts';
import type { Kind } from './workload.ts';

export type CrashOptions = {
  count: number;
  seed: number;
  /** How many people have an experiment running at any time. */
  people?: number;
  /** Processes of each role; two workers and one gateway where not said. */
  workers?: number;
  gateways?: number;
  /** Kills before everything is brought to an end and looked at, on a fresh stage each. */
  perStage?: number;
  kills?: readonly Kill[];
  /** A kill that missed its instant is struck again, this often. */
  insist?: number;
  /** Under a clock that the kills may move. */
  inTime?: boolean;
  kinds?: readonly Kind[];
  chances?: Chances;
  /** What runs as the worker; the product where absent. */
  worker?: string;
  /** How long what was begun may take to end. */
  endWithinMs?: number;
  say: (line: string) => void;
};

export type Tally = Verdict & { kills: number /** Kills that missed the instant they lay in wait for. */; anywhere: number; recoveries: Recoveries };

/** Where nothing but that everything is ready again is waited for after the blow. */
const READY_COUNTS: readonly Kill['breaks'][] = ['worker', 'gateway', 'half-open', 'redis'];

/** Many sessions, and one thing after another that breaks under them; then everything is looked at. */
export async function crash(options: CrashOptions): Promise<Tally> {
  try {
    return await breakOneAfterAnother(options);
  } finally {
    dropBundles();
  }
}

async function breakOneAfterAnother(options: CrashOptions): Promise<Tally> {
  const { count, seed, say, perStage = 25 } = options;
  const random = seeded(seed);
  const order = schedule(count, random, options.kills ?? KILLS);
  const gateway = await bundle('test/crash/product.ts', 'product');
  const later = await bundle('test/crash/product.ts', 'later', [LATER]);
  const worker = options.worker ? await bundle(options.worker, 'twin') : gateway;
  const tally: Tally = {
    lost: [],
    doubled: [],
    ungated: [],
    broken: [],
    sessions: 0,
    effects: 0,
    expired: 0,
    reminded: 0,
    kills: 0,
    anywhere: 0,
    recoveries: noRecoveries(),
  };
  for (let from = 0; from < count; from += perStage) {
    const kills = order.slice(from, from + perStage);
    // Both of Slack's transports, stage by stage.
    const mode = (from / perStage) % 2 === 0 ? 'socket' : 'http';
    const stage = await openCrashStage({
      ...{ mode, channels: options.people ?? 20, programs: { gateway, worker, later }, say },
      ...{ workers: options.workers ?? 2, gateways: options.gateways ?? 1, inTime: options.inTime },
    });
    let kept = true;
    try {
      const people = startPeople(stage, seeded(seed + from + 1), options.kinds, options.chances);
      // A clock that jumps measures nothing.
      const clock = options.inTime ? { struck: async () => {}, settled: async () => {} } : startClock(stage, tally.recoveries);
      // The first sessions get to where something can happen to them.
      await sleep(2_000);
      for (const [i, kill] of kills.entries()) {
        const began = Date.now();
        const open = people.open();
        // Also for the next one: an experiment takes its time to get to where it is waited for.
        people.favour([kill.needs, kills[i + 1]?.needs].filter((needs) => needs !== undefined));
        let struckAt = 0;
        const struck = async () => {
          await clock.struck(kill.breaks);
          struckAt = Date.now();
        };
        let how = await kill.strike(stage, random, struck);
        for (let again = options.insist ?? 0; how === 'anywhere' && again > 0; again--) how = await kill.strike(stage, random, struck);
        if (READY_COUNTS.includes(kill.breaks) && !options.inTime && (kill.blows ?? 1) === 1) tally.recoveries[kill.breaks].ready.push(Date.now() - struckAt);
        tally.kills += kill.blows ?? 1;
        if (how === 'anywhere') tally.anywhere += 1;
        const when = how === 'anywhere' ? ' (nobody came by in time, so it fell anywhere)' : '';
        say(`${tally.kills} of ${count}: ${kill.name}${when}, ${open} sessions open, ${((Date.now() - began) / 1000).toFixed(1)} s`);
      }
      // What a later version began only a later version can end.
      if (!stage.isLater() && kills.includes(DEPLOY)) await stage.deploy(true);
      // What nobody looks at ends by itself, in days.
      const days = setInterval(() => stage.time?.jump(DAY_MS), 3_000);
      const ended = await people.finish(options.endWithinMs ?? 90_000);
      clearInterval(days);
      if (!ended) say('not everything came to an end in time');
      await threadsRest(stage);
      await clock.settled();
      const verdict = await judgeAll(stage, people);
      for (const what of ['lost', 'doubled', 'ungated', 'broken'] as const) {
        tally[what].push(...verdict[what]);
        for (const sentence of verdict[what]) say(`${what}: ${sentence}`);
      }
      tally.sessions += verdict.sessions;
      for (const what of ['effects', 'expired', 'reminded'] as const) tally[what] += verdict[what];
      kept = ['lost', 'doubled', 'ungated', 'broken'].some((what) => verdict[what as 'lost'].length > 0);
      if (kept) say(`what the processes said is kept in ${stage.dir}`);
    } finally {
      await stage.close(kept);
    }
  }
  return tally;
}

/** The line that the suite ends with. */
export function lastLine({ lost, doubled, ungated, broken, kills, recoveries }: Tally): string {
  const found = `lost ${lost.length}, doubled ${doubled.length}, ungated ${ungated.length}, broken ${broken.length} of ${kills} kills`;
  return `${found}; recovery ${shares(allOf(recoveries))} s`;
}

/** How long each session stood still, whatever was broken. */
export const allOf = (recoveries: Recoveries): number[] => Object.values(recoveries).flatMap(({ sessions }) => sessions);

/** Every thread has caught up with its log. */
async function threadsRest({ redis, keys }: Awaited<ReturnType<typeof openCrashStage>>): Promise<void> {
  const until = Date.now() + 60_000;
  while (Date.now() < until && (await redis.zcard(keys.stale)) > 0) await sleep(200);
}
