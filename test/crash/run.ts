import { mistaken, readOptions } from '../../scripts/read-options.mjs';
import { allOf, crash, lastLine } from './crash.ts';
import { isOfADelivery } from './gateway-kills.ts';
import { DEPLOY, KILLS } from './kills.ts';
import { SILENT, TALKATIVE } from './people.ts';
import { recoveryLines } from './recovery.ts';
import { size } from './size.ts';
import { TEN_KILLS } from './ten-kills.ts';
import { NO_TIME } from './time.ts';
import { TIME_KILLS } from './time-kills.ts';

const USAGE =
  'test:crash -- [--count N] [--seed S] [--people P] [--workers W] [--gateways G] [--only WORDS] [--rolling | --time | --deliveries | --ten | --size N]';
const values = readOptions(USAGE, {
  count: { type: 'string' },
  seed: { type: 'string' },
  people: { type: 'string' },
  workers: { type: 'string', default: '2' },
  gateways: { type: 'string', default: '1' },
  rolling: { type: 'boolean', default: false },
  time: { type: 'boolean', default: false },
  deliveries: { type: 'boolean', default: false },
  ten: { type: 'boolean', default: false },
  size: { type: 'string' },
  only: { type: 'string' },
});
const count = Number(values.count ?? (values.deliveries ? 24 : values.ten ? TEN_KILLS.length : 50));
const seed = Number(values.seed ?? Date.now() % 1_000_000);
const people = Number(values.people ?? (values.ten ? 1 : 20));
const [workers, gateways] = [Number(values.workers), Number(values.gateways)];
if (![count, seed, people, workers, gateways].every((n) => Number.isSafeInteger(n) && n >= 0) || Math.min(count, people, workers, gateways) < 1)
  mistaken(USAGE, '--count, --seed, --people, --workers and --gateways are whole numbers');
// `--size N`: nobody is killed; what N experiments at once take, for docs/operations.md.
if (values.size !== undefined) {
  if (!/^[1-9]\d{0,5}$/.test(values.size)) mistaken(USAGE, `--size is "${values.size}", which is not a whole number from 1 on`);
  await size(Number(values.size), (line) => process.stdout.write(`${line}\n`));
  process.exit(0);
}
// `--rolling`: nothing but deploys, each of every process in turn: of a later version, back again, and so on.
// `--only WORDS`: kills whose name holds them, to look into one kind; `|` between several.
const only = (values.only ?? '').split('|');
// `--time`: hours and days pass, on a clock that Redis and all processes share.
if (values.time && NO_TIME !== null) {
  // It was asked for by name: to say that it was skipped, and end well, would pass for a check.
  process.stderr.write(`${NO_TIME}, so nothing was checked\n`);
  process.exit(2);
}
// `--deliveries`: each instant around what Slack delivers once over Socket Mode and once over HTTP, twenty-four in all; `--count` more begin anew.
const deliveries = KILLS.filter(isOfADelivery).map((k) => ({ ...k, weight: 1 }));
// `--ten`: one session and nobody else, whose worker is killed ten times, at one step and at ten steps.
const wanted = values.deliveries
  ? deliveries
  : values.rolling
    ? [DEPLOY]
    : (values.ten ? TEN_KILLS : values.time ? TIME_KILLS : KILLS).filter((k) => only.some((words) => k.name.includes(words)));
if (wanted.length === 0) mistaken(USAGE, `No kill is called "${values.only}". There are: ${(values.time ? TIME_KILLS : KILLS).map((k) => k.name).join('; ')}`);
process.stdout.write(
  `seed ${seed}: ${count} kills, ${people} people with an experiment each, ${gateways} gateways and ${workers} workers; again with --count ${count} --seed ${seed}\n`,
);
const began = Date.now();
const tally = await crash({
  count,
  seed,
  people,
  workers,
  gateways,
  kills: wanted,
  inTime: values.time,
  ...(values.ten ? { perStage: 1, kinds: ['whole'] as const, chances: SILENT, endWithinMs: 180_000 } : {}),
  ...(values.deliveries ? { perStage: deliveries.length, insist: 3, chances: TALKATIVE } : {}),
  say: (line) => process.stdout.write(`${line}\n`),
});
const minutes = ((Date.now() - began) / 60_000).toFixed(1);
process.stdout.write(
  `${tally.sessions} sessions and ${tally.effects} effects under ${tally.kills} kills in ${minutes} minutes, ${tally.anywhere} of which missed their instant; ${allOf(tally.recoveries).length} sessions were taken over\n`,
);
for (const line of recoveryLines(tally.recoveries)) process.stdout.write(`${line}\n`);
if (values.time)
  process.stdout.write(`${tally.expired} questions expired, ${tally.reminded} were reminded of; recovery is not measured where the clock jumps\n`);
process.stdout.write(`${lastLine(tally)}\n`);
process.exit(tally.lost.length + tally.doubled.length + tally.ungated.length + tally.broken.length > 0 ? 1 : 0);
