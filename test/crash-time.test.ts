import { expect, test } from 'vitest';
import { crash } from './crash/crash.ts';
import { NO_TIME } from './crash/time.ts';
import { TIME_KILLS } from './crash/time-kills.ts';

const said: string[] = [];
const FEW = ['a worker dies, and is back after hours', 'hours pass while the run is started', 'all processes die, and are back after a day'];

/** `npm run test:crash -- --time` draws from all of these, for as long as one likes. */
test.skipIf(NO_TIME !== null)(
  'hours and days pass under kills: trainings end in the night, questions are reminded of and expire in their time, once each (needs libfaketime)',
  async () => {
    const kills = TIME_KILLS.filter((k) => FEW.includes(k.name)).map((k) => ({ ...k, weight: 1 }));
    expect(kills).toHaveLength(FEW.length);
    const tally = await crash({ count: kills.length, seed: 9, people: 6, kills, inTime: true, say: (line) => void said.push(line) });
    const { lost, doubled, ungated, broken } = tally;
    expect({ lost, doubled, ungated, broken }, said.join('\n')).toEqual({ lost: [], doubled: [], ungated: [], broken: [] });
    expect(tally.effects).toBeGreaterThan(0);
    expect(tally.expired).toBeGreaterThan(0);
    expect(tally.reminded).toBeGreaterThan(0);
  },
  300_000,
);
