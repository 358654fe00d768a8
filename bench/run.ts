import { readFileSync, writeFileSync } from 'node:fs';
import { cpus, totalmem } from 'node:os';
import { join } from 'node:path';
import { measureAsking } from './asking.ts';
import { measureBytes } from './bytes.ts';
import { measureColdStart } from './cold-start.ts';
import { measureGrowth } from './growth.ts';
import { measureParked } from './parked.ts';
import { measurePeople } from './people.ts';
import { measureFloor, measureSessions } from './sessions.ts';
import { type Goal, openStage } from './stage.ts';

/**
 * `npm run bench`: every goal as a ratio within this run. `--quick` is for development: too few sessions to hold anybody to the figures. `--growth` adds how cost grows.
 * `--only` takes parts' names, with commas between them, and renews their lines of bench/results.json; `--profile` a folder for processor profiles of what ran. scripts/bench.mjs reads them.
 */

const values = JSON.parse(process.env['LABMATE_BENCH'] ?? '{}') as { quick?: boolean; growth?: boolean; only?: string; profile?: string };
const say = (line: string) => process.stdout.write(`${line}\n`);
const size = values.quick
  ? { rounds: 3, bursts: 3, sessions: 60, parked: 100, warm: 30, clicks: 20, heap: [100, 1_000] as [number, number] }
  : { rounds: 9, bursts: 15, sessions: 200, parked: 1_000, warm: 200, clicks: 40, heap: [1_000, 10_000] as [number, number] };

const stage = await openStage(say, values.profile);
const processor = cpus();
const machine = `${processor.length} x ${processor[0]?.model.trim() ?? 'unknown'}, ${Math.round(totalmem() / 2 ** 30)} GB, ${process.platform} ${process.arch}`;
const redis = /redis_version:(\S+)/.exec(await stage.eye.info('server'))?.[1] ?? 'unknown';
const versions = { node: process.version, redis, ...(await packageVersions()) };
say(
  `${machine}\n${Object.entries(versions)
    .map(([name, version]) => `${name} ${version}`)
    .join(', ')}\nRedis: appendonly yes, appendfsync always. Ratios within this run; less is better unless the target says >=.\n`,
);

const goals: Goal[] = [];
const unseen: string[] = [];
const PARTS: Record<string, () => Promise<Goal[]>> = {
  sessions: () => measureSessions(stage, size),
  parked: () => measureParked(stage, { rounds: size.rounds, sessions: size.parked }),
  bytes: () => measureBytes(stage, { steps: 100 }),
  asking: () => measureAsking(stage, { runs: 1_000 }),
  people: () => measurePeople(stage, { warm: size.warm, clicks: size.clicks, rounds: size.rounds, bursts: size.bursts, commands: 200, heap: size.heap }),
  start: () => measureColdStart(stage, { rounds: 7 }),
};
const only = values.only?.split(',');
say(`floor, first   ${await measureFloor(stage, size)}`);
for (const [name, measure] of Object.entries(PARTS)) {
  if (only && !only.includes(name)) continue;
  // What cannot be measured here is said, and the rest is measured all the same.
  const measured = await measure().catch((error: unknown) => {
    say(`NOT SEEN  ${name}: ${error instanceof Error ? error.message : String(error)}`);
    unseen.push(name);
    return [];
  });
  for (const g of measured) {
    goals.push(g);
    say(`${g.met ? 'met    ' : 'NOT MET'}  ${g.name.padEnd(66)} ${String(g.figure).padStart(8)}  ${g.target.padEnd(9)} ${g.how}`);
  }
}
const growth = values.growth ? await measureGrowth(stage) : [];
for (const { name, columns, rows } of growth) say(`\n${name}\n${[columns, ...rows].map((row) => row.join(' | ')).join('\n')}`);
say(`floor, last    ${await measureFloor(stage, size)}`);
await stage.close();
const missed = goals.filter((g) => !g.met);
say(
  missed.length === 0 && unseen.length === 0
    ? '\nall goals met'
    : `\n${missed.length} of ${goals.length} goals not met${unseen.length > 0 ? `, and not seen: ${unseen.join(', ')}` : ''}`,
);
if (!values.quick) {
  const file = join(import.meta.dirname, 'results.json');
  // A part's run says nothing of the other parts: theirs stay as they were seen last.
  const before = only ? (JSON.parse(readFileSync(file, 'utf8')) as { goals: Goal[]; growth?: unknown }) : { goals: [] };
  const kept = before.goals.map((was) => goals.find((g) => g.name === was.name) ?? was);
  const taken = `${new Date().toISOString().slice(0, 16).replace('T', ' ')} UTC, ${only ? `--only ${only.join(',')}` : 'a whole run'}`;
  const all = [...kept, ...goals.filter((g) => !kept.includes(g))].map((g) => (goals.includes(g) ? { ...g, taken } : g));
  const tables = growth.length > 0 ? growth : before.growth;
  writeFileSync(file, `${JSON.stringify({ machine, versions, goals: all, ...(tables ? { growth: tables } : {}) }, null, 2)}\n`);
}
process.exit(0);

async function packageVersions(): Promise<Record<string, string>> {
  const { default: own } = (await import('../package.json', { with: { type: 'json' } })) as {
    default: { version: string; dependencies: Record<string, string> };
  };
  const named = ['@anthropic-ai/sdk', '@modelcontextprotocol/sdk', 'bullmq', 'ioredis', '@slack/bolt'];
  return { labmate: own.version, ...Object.fromEntries(named.map((name) => [name, own.dependencies[name] ?? 'unknown'])) };
}
