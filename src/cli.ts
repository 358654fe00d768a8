import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { answerAtOnce, type Name } from '../bin/commands.mjs';
import { countOf } from './analysis/numbers.ts';
import { readArguments, wholeNumber } from './cli-arguments.ts';
import type { AnyConfig } from './config.ts';
import { whyNotRead } from './file-faults.ts';
import { Told } from './told.ts';

/** The `labmate` command. Each command imports what it needs when it is called, so that a mistake is told at once. */

/** Each answers an exit code, or null where it goes on until it is stopped. */
const RUN: Readonly<Record<Name, (args: string[]) => Promise<number | null>>> = {
  start,
  sandbox,
  mcp,
  doctor,
  manifest,
  record,
  records,
  redraw,
  step,
  verify,
};

/** Runs one command. Answers the exit code, or null where the process lives on. */
export async function main(argv: readonly string[]): Promise<number | null> {
  const told = answerAtOnce(argv);
  if (told) return told.exitCode === 0 ? say(told.text) : complain(told.text, told.exitCode);
  const [name, ...args] = argv as [Name, ...string[]];
  try {
    return await RUN[name](args);
  } catch (error) {
    if (error instanceof Told) return complain(error.message, error.exitCode);
    return complain(error instanceof Error ? error.message : String(error), 1);
  }
}

async function start(args: string[]): Promise<number> {
  readArguments('start', { args, options: {} });
  const config = await configured();
  const { start: run } = await import('./main.ts');
  const { loadConfig } = await import('./config.ts');
  await run(config, async () => loadConfig({ tools: await toolNames() }));
  return 0;
}

async function step(args: string[]): Promise<number> {
  const { positionals } = readArguments('step', { args, allowPositionals: true, options: {} });
  const [session] = positionals;
  if (!session) throw new Told('labmate step needs one session.', 2);
  const config = await configured();
  const { stepAlone } = await import('./worker.ts');
  return stepAlone(config, session);
}

async function sandbox(args: string[]): Promise<number | null> {
  const { values } = readArguments('sandbox', {
    args,
    options: {
      headless: { type: 'boolean', default: false },
      scenario: { type: 'string' },
      http: { type: 'boolean', default: false },
      socket: { type: 'boolean', default: false },
      with: { type: 'string', multiple: true, default: [] },
      port: { type: 'string' },
      'training-seconds': { type: 'string', default: '6' },
      dir: { type: 'string' },
    },
  });
  if (values.http && values.socket) throw new Told('labmate sandbox: --http and --socket exclude each other.', 2);
  if (values.headless !== (values.scenario !== undefined)) throw new Told('labmate sandbox: --headless and --scenario NAME belong together.', 2);
  const port = values.port === undefined ? null : wholeNumber('sandbox', '--port', values.port, [0, 65_535]);
  const trainingSeconds = wholeNumber('sandbox', '--training-seconds', values['training-seconds'], [1, 99_999]);
  const { environment } = await import('./config.ts');
  const { launchSandbox, variablesOfReal } = await import('./sandbox/launch.ts');
  const { mustBeConfigured, realServices } = await import('./real-services.ts');
  const real = realServices(values.with);
  mustBeConfigured(real, variablesOfReal(real, environment()));
  return launchSandbox({
    env: environment(),
    mode: values.http ? 'http' : 'socket',
    scenario: values.scenario ?? null,
    real,
    port,
    dir: values.dir === undefined ? null : resolve(values.dir),
    trainingSeconds,
  });
}

async function mcp(args: string[]): Promise<number> {
  const names = { type: 'string', multiple: true } as const;
  const { values, positionals } = readArguments('mcp', {
    args,
    allowPositionals: true,
    options: { 'read-only': { type: 'boolean', default: false }, toolsets: names, 'exclude-tools': names },
  });
  if (positionals.length > 0 && positionals.join(' ') !== 'ls')
    throw new Told(`labmate mcp: "${positionals.join(' ')}" is not known; there is labmate mcp ls.`, 2);
  const { choose, listTools } = await import('./mcp-list.ts');
  const { catalog } = await import('./tools/catalog.ts');
  const listed = (given: string[] | undefined) => given?.flatMap((text) => text.split(',').map((name) => name.trim())).filter(Boolean);
  const choice = { readOnly: values['read-only'], toolsets: listed(values.toolsets) ?? null, exclude: listed(values['exclude-tools']) ?? [] };
  // An empty variable of a script, say: what was to be left out would be offered.
  if (values['exclude-tools'] && choice.exclude.length === 0) throw new Told('labmate mcp: --exclude-tools names none; see labmate mcp ls.', 2);
  // A misspelling is told before anything that is configured.
  choose(catalog, choice);
  const config = await anyConfigured();
  if (positionals.length > 0) {
    const { listMounted } = await import('./mcp-list-mounted.ts');
    for (const warning of config.warnings) process.stderr.write(`${warning}\n`);
    return say([listTools(config, choice), ...(await listMounted(config, choice))].join('\n'));
  }
  const { serveMcp } = await import('./mcp-door.ts');
  await serveMcp(config, choice);
  return 0;
}

async function doctor(args: string[]): Promise<number> {
  readArguments('doctor', { args, options: {} });
  const { loadConfig } = await import('./config.ts');
  const { examine } = await import('./ops/doctor.ts');
  const read = loadConfig({ needs: 'anything', tools: await toolNames() });
  if (read.ok) await throughProxies(read.config);
  const findings = await examine(read);
  const mark = { ok: 'ok  ', 'left out': '–   ', warning: '!   ', wrong: '✗   ' };
  say(findings.map(({ is, about, text }) => `${mark[is]}${about}: ${text}`).join('\n'));
  return findings.some(({ is }) => is === 'wrong') ? 1 : 0;
}

async function manifest(args: string[]): Promise<number> {
  const { values } = readArguments('manifest', { args, options: { http: { type: 'string' } } });
  if (values.http !== undefined && !(URL.canParse(values.http) && values.http.startsWith('https://')))
    throw new Told('labmate manifest: --http needs the https:// address at which Slack reaches labmate.', 2);
  const { username, password, search, hash } = new URL(values.http ?? 'https://none');
  if (username || password || search || hash)
    throw new Told('labmate manifest: --http needs the address alone, without a login and without what begins with ? or #.', 2);
  const { manifestYaml } = await import('./slack/manifest.ts');
  return say(manifestYaml(values.http).trimEnd());
}

async function record(args: string[]): Promise<number> {
  const { values, positionals } = readArguments('record', { args, allowPositionals: true, options: { format: { type: 'string', default: 'jsonl' } } });
  const [id] = positionals;
  if (!id || positionals.length > 1) throw new Told('labmate record needs one session id, such as e-7k2f.', 2);
  if (values.format !== 'jsonl' && values.format !== 'md') throw new Told('labmate record: --format is jsonl or md.', 2);
  const redis = redisOf(await anyConfigured());
  const { readRecord } = await import('./ops/read-record.ts');
  const { lines, session } = await readRecord(redis, id);
  if (values.format === 'jsonl') return say(lines.join('\n'));
  const { report } = await import('./session/report.ts');
  return say(report(session).trimEnd());
}

async function records(args: string[]): Promise<number> {
  const { values, positionals } = readArguments('records', { args, allowPositionals: true, options: { expire: { type: 'boolean', default: false } } });
  const [folder] = positionals;
  if (!folder || positionals.length > 1) throw new Told('labmate records needs one folder to write into.', 2);
  const config = await anyConfigured();
  const { keepRecords } = await import('./ops/keep-records.ts');
  const { exported, there, expired, broken } = await keepRecords(redisOf(config), folder, { expire: values.expire, retentionMs: config.retentionMs });
  say(`${countOf(exported, 'record')} written, ${there} stood there already${values.expire ? `, ${countOf(expired, 'session')} taken out of Redis` : ''}`);
  return broken.length === 0 ? 0 : complain(`The chain of ${broken.join(', ')} does not hold; left in Redis for you to look at with labmate record.`, 1);
}

async function redraw(args: string[]): Promise<number> {
  readArguments('redraw', { args, options: {} });
  const redis = redisOf(await anyConfigured());
  const { redrawAll } = await import('./ops/redraw-all.ts');
  const threads = await redrawAll(redis);
  return say(`${countOf(threads, 'open thread')} ${threads === 1 ? 'is' : 'are'} drawn anew by the gateway that runs`);
}

async function verify(args: string[]): Promise<number> {
  const { values, positionals } = readArguments('verify', { args, allowPositionals: true, options: { head: { type: 'string' } } });
  const [file] = positionals;
  if (!file || positionals.length > 1) throw new Told('labmate verify needs one file, or - for stdin.', 2);
  const { describeVerification, notAHead, recordLines, verify: check } = await import('./session/chain.ts');
  const mistake = values.head === undefined ? null : notAHead(values.head);
  if (mistake) throw new Told(`labmate verify: --head: ${mistake}.`, 2);
  const { text, exitCode } = describeVerification(check(recordLines(bytesOf(file))), values.head);
  say(text);
  return exitCode;
}

/** What a file holds, or stdin for `-`. */
function bytesOf(file: string): Uint8Array {
  let why: string;
  try {
    return readFileSync(file === '-' ? 0 : file);
  } catch (error) {
    why = whyNotRead(error);
  }
  throw new Told(`labmate verify: ${file} cannot be read (${why}); name a file that holds one record, or - for stdin.`, 2);
}

/** The whole configuration, or all its faults. */
async function configured() {
  const { loadConfig } = await import('./config.ts');
  const read = loadConfig({ tools: await toolNames() });
  if (!read.ok) throw new Told(read.faults.join('\n'), 1);
  return throughProxies(read.config);
}

/** What is configured, however little; still no fault is passed over. */
async function anyConfigured() {
  const { loadConfig } = await import('./config.ts');
  const read = loadConfig({ needs: 'anything', tools: await toolNames() });
  if (!read.ok) throw new Told(read.faults.join('\n'), 1);
  return throughProxies(read.config);
}

async function throughProxies<C extends AnyConfig>(config: C): Promise<C> {
  if (config.proxies) (await import('./proxy.ts')).useProxies(config.proxies);
  return config;
}

function redisOf({ redis }: Awaited<ReturnType<typeof anyConfigured>>) {
  if (!redis) throw new Told('REDIS_URL is not set: the Redis that holds the sessions, for instance redis://127.0.0.1:6379.', 1);
  return redis;
}

async function toolNames(): Promise<string[]> {
  const { catalog } = await import('./tools/catalog.ts');
  return catalog.map((tool) => tool.name);
}

function say(text: string): 0 {
  process.stdout.write(`${text}\n`);
  return 0;
}

function complain(text: string, exitCode: number): number {
  process.stderr.write(`${text}\n`);
  return exitCode;
}
