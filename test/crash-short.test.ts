import { setTimeout as sleep } from 'node:timers/promises';
import { expect, test } from 'vitest';
import { crash, lastLine } from './crash/crash.ts';
import { KILLS } from './crash/kills.ts';
import { SILENT } from './crash/people.ts';

/** What the two suites print, for whoever has to look into a failure. */
const said: string[] = [];
const say = (line: string) => void said.push(line);

/** `npm run test:crash` draws from all kills, for as long as one likes. These few are the ones at which money or trust is lost. */
const DEAREST = [
  'worker, after the run is started',
  'worker, after the pull request is opened',
  'gateway, after a click is stored',
  'gateway, after chat.postMessage',
  'zombie, after the claim of an effect',
  'Redis',
];

test('kills at the dearest instants: nothing lost, nothing twice, nothing without a yes, no broken record', async () => {
  const kills = KILLS.filter((k) => DEAREST.includes(k.name)).map((k) => ({ ...k, weight: 1 }));
  expect(kills).toHaveLength(DEAREST.length);
  const tally = await crash({ count: kills.length, seed: 7, people: 6, kills, say });
  const { lost, doubled, ungated, broken } = tally;
  expect({ lost, doubled, ungated, broken }, said.join('\n')).toEqual({ lost: [], doubled: [], ungated: [], broken: [] });
  expect(tally.effects).toBeGreaterThan(tally.kills);
  expect(lastLine(tally)).toMatch(/^lost 0, doubled 0, ungated 0, broken 0 of 6 kills; recovery [\d.]+\/[\d.]+\/[\d.]+ s$/);
}, 400_000);

test('the check is checked: a worker that holds its session in one job and acts before it writes is found out', async () => {
  // It knows no stop: one whose session was stopped would wait for a yes for ever.
  const twin = { seed: 7, people: 6, kinds: ['train', 'post'] as const, worker: 'test/crash/naive/worker.ts', endWithinMs: 20_000, chances: SILENT, say };
  const nobody = [{ name: 'nobody', weight: 1, breaks: 'other', strike: () => sleep(2_000) } as const];
  const whole = await crash({ ...twin, count: 1, kills: nobody });
  expect(whole.effects).toBeGreaterThan(0);
  expect([...whole.lost, ...whole.doubled, ...whole.ungated, ...whole.broken], 'as long as nobody dies, it works').toEqual([]);

  const kills = KILLS.filter((k) => ['worker, after the run is started', 'worker, after its post'].includes(k.name)).map((k) => ({ ...k, weight: 2 }));
  const killed = await crash({ ...twin, count: 4, kills });
  expect(
    killed.doubled.filter((d) => / happened \d times/.test(d)),
    said.join('\n'),
  ).not.toEqual([]);
}, 400_000);
