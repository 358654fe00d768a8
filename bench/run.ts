import { writeFileSync } from 'node:fs';
import { cpus, totalmem } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { measureBytes, measureParked, measureSessions } from './sessions.ts';
import { type Goal, openStage } from './stage.ts';

/** `npm run bench`: every goal as a ratio within this run. `--quick` is for development: too few sessions to hold anybody to the figures. */

const { values } = parseArgs({ options: { quick: { type: 'boolean', default: false } } });
const say = (line: string) => process.stdout.write(`${line}\n`);
const size = values.quick
  ? { rounds: 3, sessions: 60, parked: 100, parkedRounds: 1, heap: [100, 1_000] as [number, number] }
  : { rounds: 5, sessions: 150, parked: 1_000, parkedRounds: 3, heap: [1_000, 10_000] as [number, number] };

const stage = await openStage(say);
const processor = cpus();
const machine = `${processor.length} x ${processor[0]?.model.trim() ?? 'unknown'}, ${Math.round(totalmem() / 2 ** 30)} GB, ${process.platform} ${process.arch}`;
const redis = /redis_version:(\S+)/.exec(await stage.eye.info('server'))?.[1] ?? 'unknown';
const versions = { node: process.version, redis, ...(await packageVersions()) };
say(
  `${machine}\n${Object.entries(versions)
    .map(([name, version]) => `${name} ${version}`)
    .join(', ')}\nRedis: appendonly yes, appendfsync always. Ratios within this run; less is better unless the target says >=.\n`,
);

const { goals: sessionGoals, floors } = await measureSessions(stage, size);
floor('floor, first', floors.first);
const goals: Goal[] = [];
const took = (more: Goal[]) => {
  goals.push(...more);
  for (const g of more) say(`${g.met ? 'met    ' : 'NOT MET'}  ${g.name.padEnd(64)} ${String(g.figure).padStart(8)}  ${g.target.padEnd(9)} ${g.how}`);
};
took(sessionGoals);
took(await measureParked(stage, { rounds: size.parkedRounds, sessions: size.parked, heap: size.heap }));
took(await measureBytes(stage, { steps: 100 }));
floor('floor, last', floors.last);
await stage.close();
const missed = goals.filter((g) => !g.met);
say(missed.length === 0 ? '\nall goals met' : `\n${missed.length} of ${goals.length} goals not met`);
if (!values.quick) writeFileSync(join(import.meta.dirname, 'results.json'), `${JSON.stringify({ machine, versions, goals }, null, 2)}\n`);
process.exit(0);

function floor(name: string, costs: Record<string, { cpuMs: number; perSecond: number }>): void {
  for (const who of ['bare', 'naive']) {
    const cost = costs[who];
    if (cost) say(`${name.padEnd(13)}  ${who.padEnd(6)} ${cost.cpuMs.toFixed(2)} ms CPU a session, ${cost.perSecond.toFixed(0)} sessions/s`);
  }
}

async function packageVersions(): Promise<Record<string, string>> {
  const { default: own } = (await import('../package.json', { with: { type: 'json' } })) as {
    default: { version: string; dependencies: Record<string, string> };
  };
  const named = ['@anthropic-ai/sdk', '@modelcontextprotocol/sdk', 'bullmq', 'ioredis', '@slack/bolt'];
  return { labmate: own.version, ...Object.fromEntries(named.map((name) => [name, own.dependencies[name] ?? 'unknown'])) };
}
