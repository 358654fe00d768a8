import { mistaken, readOptions } from '../../scripts/read-options.mjs';
import { startRedis } from '../../src/sandbox/redis.ts';
import { acks } from './ack.ts';
import { firstMessages } from './first-message.ts';
import { redelivered } from './redelivered.ts';

const parts = ['ack', 'once', 'first'];
const USAGE = `test:slack -- [--only PART] [--rate 1..200] [--seconds 1..120]`;
const values = readOptions(USAGE, { seconds: { type: 'string', default: '20' }, rate: { type: 'string', default: '50' }, only: { type: 'string' } });
const load = { seconds: Number(values.seconds), rate: Number(values.rate) };
// A laptop's loopback is the only thing that may be loaded like this.
if (!(load.seconds >= 1 && load.seconds <= 120 && load.rate >= 1 && load.rate <= 200)) mistaken(USAGE, '--rate or --seconds is out of its bounds');
if (values.only !== undefined && !parts.includes(values.only)) mistaken(USAGE, `--only is one of ${parts.join(', ')}`);
const wanted = (part: string) => values.only === undefined || values.only === part;
const say = (line: string) => process.stdout.write(`${line}\n`);
let missed = 0;
const figure = (met: boolean, text: string) => {
  if (!met) missed += 1;
  say(`${met ? 'met   ' : 'MISSED'} ${text}`);
};

const redis = await startRedis({ purpose: 'the figures', say });
try {
  for (const mode of wanted('ack') ? (['socket', 'http'] as const) : []) {
    const a = await acks(redis.url, mode, load);
    figure(
      a.p99 < 1_000 && a.late === 0 && a.refused === 0,
      `ack over ${mode}: ${a.deliveries} deliveries in ${load.seconds} s, Redis 200 ms slow: p50 ${a.p50} ms, p99 ${a.p99} ms (target < 1000), max ${a.max} ms, ${a.late} over 3 s (target 0), ${a.refused} not acknowledged`,
    );
  }
  for (const mode of wanted('once') ? (['socket', 'http'] as const) : []) {
    for (const { kind, arrived, effects } of await redelivered(redis.url, mode))
      figure(effects === 1, `redelivered over ${mode}: ${kind} arrived ${arrived} times, ${effects} effect${effects === 1 ? '' : 's'} (target 1)`);
  }
  if (wanted('first')) {
    const f = await firstMessages(redis.url, 20);
    figure(
      f.p95 <= 1_000,
      `first message of the thread after the command, 20 experiments, one a second in 4 channels: p50 ${Math.round(f.p50)} ms, p95 ${Math.round(f.p95)} ms (target <= 1000), max ${Math.round(f.all.at(-1) ?? 0)} ms`,
    );
  }
} finally {
  await redis.stop();
}
say(missed === 0 ? 'all figures met' : `${missed} missed`);
process.exit(missed === 0 ? 0 : 1);
