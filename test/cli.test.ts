import { spawn } from 'node:child_process';
import { cpSync, mkdirSync, mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { describe, expect, it } from 'vitest';
import { answerAtOnce } from '../bin/commands.mjs';
import { VARIABLES } from '../src/config-backends.ts';
import { whyNotRead } from '../src/file-faults.ts';
import { scenarios } from '../src/sandbox/scenario.ts';
import { nextLine } from '../src/session/chain.ts';
import type { SessionEvent } from '../src/session/events.ts';
import { catalog } from '../src/tools/catalog.ts';

type Ran = { code: number | null; out: string; err: string; ms: number };

/** Runs the real command with these variables and nothing else of ours. */
function labmate(args: string[], env: Record<string, string | undefined> = {}, stdin = '', cwd = process.cwd(), checkout = '.'): Promise<Ran> {
  const began = performance.now();
  const child = spawn(process.execPath, [resolve(checkout, 'bin/labmate.mjs'), ...args], {
    cwd,
    env: { PATH: process.env['PATH'] ?? '', HOME: tmpdir(), LABMATE_CONFIG: emptyConfig, ...env },
  });
  const ran: Ran = { code: null, out: '', err: '', ms: 0 };
  child.stdout.on('data', (bytes) => (ran.out += String(bytes)));
  child.stderr.on('data', (bytes) => (ran.err += String(bytes)));
  child.stdin.end(stdin);
  return new Promise((resolve) => child.once('close', (code) => resolve({ ...ran, code, ms: performance.now() - began })));
}

const folder = mkdtempSync(join(tmpdir(), 'labmate-cli-'));
const emptyConfig = join(folder, 'labmate.json');
writeFileSync(emptyConfig, '{}');

const ENOUGH = {
  SLACK_BOT_TOKEN: 'xoxb-secret-bot-token',
  SLACK_APP_TOKEN: 'xapp-secret-app-token',
  ANTHROPIC_API_KEY: 'sk-ant-secret-key',
  REDIS_URL: 'redis://:secret-password@127.0.0.1:1',
};

it.each([
  [['--help'], 0, /^labmate: a teammate for ML experiments/],
  [['--version'], 0, /^\d+\.\d+\.\d+\n$/],
  [['sandbox', '--help'], 0, /^labmate sandbox \[--headless/],
  [['help', 'doctor'], 0, /^labmate doctor\n/],
  [['record', '-h'], 0, /^labmate record ID .*\n.*\n {4}--format jsonl \(the default\)/],
  [['sandbx'], 2, /^$/],
])('in a fresh clone %j is answered before anything is installed', async (args, code, out) => {
  const clone = mkdtempSync(join(tmpdir(), 'labmate-clone-'));
  for (const path of ['bin', 'package.json', 'package-lock.json', 'src/cli.ts']) cpSync(path, join(clone, path), { recursive: true });
  const ran = await labmate(args, { PATH: '' }, '', clone, clone);
  expect(ran).toMatchObject({ code, out: expect.stringMatching(out) });
  expect(ran.err).not.toContain('Installing');
});

describe('a mistake is told in one line, with the fix, without a stack or a secret', () => {
  it.each<[string, string[], Record<string, string>, RegExp]>([
    ['a command that does not exist', ['strat'], {}, /^labmate has no command "strat" \(did you mean "start"\?\)\. It has start, /],
    ['a command that is near to two', ['recrds'], {}, / \(did you mean "records"\?\)\. It has /],
    ['a command that is near to none', ['deploy'], {}, /^labmate has no command "deploy"\. It has /],
    ['help for a command that does not exist', ['help', 'docter'], {}, /^labmate has no command "docter" \(did you mean "doctor"\?\)/],
    [
      'an option that does not exist',
      ['verify', '--hed', 'x'],
      {},
      /^labmate verify: there is no option --hed \(did you mean "--head"\?\)\. Usage: labmate verify FILE/,
    ],
    ['an option that is near to none', ['sandbox', '-p', '1'], {}, /^labmate sandbox: there is no option -p\. Usage: labmate sandbox /],
    ['an option that lacks its value', ['sandbox', '--dir'], {}, /^labmate sandbox: --dir needs a value\. Usage: labmate sandbox /],
    ['an option in place of a value', ['sandbox', '--port', '--http'], {}, /^labmate sandbox: --port needs a value\. Usage: /],
    ['an empty value', ['sandbox', '--dir='], {}, /^labmate sandbox: --dir needs a value\. Usage: /],
    ['a value for what takes none', ['records', 'out', '--expire=30d'], {}, /^labmate records: --expire takes no value\. Usage: labmate records /],
    ['a word for a command that takes none', ['doctor', 'redis'], {}, /^labmate doctor: "redis" is not expected here\. Usage: labmate doctor$/],
    ['an empty name, as an unset variable gives', ['records', ''], {}, /^labmate records needs one folder to write into\.$/],
    ['an empty session', ['record', ''], {}, /^labmate record needs one session id, such as e-7k2f\.$/],
    ['an empty session to step', ['step', ''], {}, /^labmate step needs one session\.$/],
    ['an empty file', ['verify', ''], {}, /^labmate verify needs one file, or - for stdin\.$/],
    [
      'a training of no time',
      ['sandbox', '--training-seconds', '0'],
      {},
      /^labmate sandbox: --training-seconds is "0": it takes a whole number from 1 to 99999\.$/,
    ],
    ['a training of less than no time', ['sandbox', '--training-seconds', '-1'], {}, /: --training-seconds is "-1": it takes a whole number from 1 to /],
    ['the same, written as one word', ['sandbox', '--training-seconds=-1'], {}, /: --training-seconds is "-1": it takes a whole number from 1 to /],
    ['a training of words', ['sandbox', '--training-seconds', 'six'], {}, /: --training-seconds is "six": it takes a whole number from 1 to /],
    ['a port below zero', ['sandbox', '--port', '-1'], {}, /^labmate sandbox: --port is "-1": it takes a whole number from 0 to 65535\.$/],
    [
      'a file that does not exist',
      ['verify', '/no/such.jsonl'],
      {},
      /^labmate verify: \/no\/such\.jsonl cannot be read \(there is no such file\); name a file/,
    ],
    [
      'a folder in place of a file',
      ['verify', folder],
      {},
      /^labmate verify: \/\S+ cannot be read \(it is a folder\); name a file that holds one record, or - for stdin\.$/,
    ],
    [
      'a head that is too short',
      ['verify', 'package.json', '--head', 'c0861'],
      {},
      /^labmate verify: --head: a head is the 64 hex digits of a SHA-256, or at least its first 8; this is 5 characters\.$/,
    ],
    ['a head that is no digits', ['verify', 'package.json', '--head', 'line 41'], {}, /this is 7 characters, not all of them hex digits\.$/],
    ['a format that does not exist', ['record', 'e-1', '--format', 'xml'], {}, /^labmate record: --format is jsonl or md\.$/],
    ['no Redis named', ['record', 'e-1'], {}, /^REDIS_URL is not set/],
    [
      'a file in place of a folder for records',
      ['records', 'package.json'],
      { REDIS_URL: ENOUGH.REDIS_URL },
      /^labmate records: nothing can be written into package\.json \(it is a file\): name a folder that is there or can be made\.$/,
    ],
    // What is there but takes no folder, as Linux's /proc: Node's own recursive mkdir never comes back from it.
    [
      'a folder for records where none can be made',
      ['records', '/proc/x/records'],
      { REDIS_URL: ENOUGH.REDIS_URL },
      /^labmate records: nothing can be written into \/proc\/x\/records \(.+\): name a folder that is there or can be made\.$/,
    ],
    [
      'a folder for records where there can be none',
      ['records', '/dev/null/records'],
      { REDIS_URL: ENOUGH.REDIS_URL },
      /^labmate records: nothing can be written into \/dev\/null\/records \(a part of the path is a file\)/,
    ],
    [
      'a folder for records that takes nothing, whoever one is',
      ['records', '/proc'],
      { REDIS_URL: ENOUGH.REDIS_URL },
      /^labmate records: nothing can be written into \/proc \(.+\): name a folder/,
    ],
    [
      'a folder for the sandbox that cannot be made',
      ['sandbox', '--dir', '/proc/x'],
      {},
      /^labmate sandbox --dir: nothing can be written into \/proc\/x \(.+\): name a folder that is there or can be made\.$/,
    ],
    ['a folder for the sandbox that takes nothing', ['sandbox', '--dir', '/proc'], {}, /^labmate sandbox --dir: nothing can be written into \/proc \(/],
    [
      'a folder for the sandbox below a file',
      ['sandbox', '--dir', `${emptyConfig}/x`],
      {},
      /^labmate sandbox --dir: nothing can be written into \S+labmate\.json\/x \(a part of the path is a file\): /,
    ],
    ['a file in place of a folder for a scenario', ['sandbox', '--dir', emptyConfig, '--headless', '--scenario', 'denied'], {}, /\(it is a file\): /],
    [
      'a file that is said to hold others',
      ['verify', `${emptyConfig}/x`],
      {},
      /^labmate verify: \S+ cannot be read \(a part of the path is a file\); name a file /,
    ],
    ['both transports at once', ['sandbox', '--http', '--socket'], {}, /--http and --socket exclude each other/],
    ['a scenario without --headless', ['sandbox', '--scenario', 'ablation'], {}, /--headless and --scenario NAME belong together/],
    ['a service that does not exist', ['sandbox', '--with', 'jira=real'], {}, /--with jira=real is not known; it is NAME=real/],
    [
      'an address with a query',
      ['manifest', '--http', 'https://h.test/?a=b'],
      {},
      /--http needs the address alone, without a login and without what begins with \? or #\.$/,
    ],
    ['an address with a login', ['manifest', '--http', 'https://me:secret@h.test'], {}, /--http needs the address alone/],
    ['an address Slack cannot reach', ['manifest', '--http', 'localhost'], {}, /--http needs the https:\/\/ address/],
    [
      'a configuration file that is not there',
      ['start'],
      { ...ENOUGH, LABMATE_CONFIG: '/no/labmate.json' },
      /^LABMATE_CONFIG names \/no\/labmate\.json, which cannot be read \(there is no such file\): correct the path or the permissions\.$/,
    ],
    [
      'a configuration file that is a folder',
      ['mcp', 'ls'],
      { LABMATE_CONFIG: tmpdir() },
      /^LABMATE_CONFIG names \/\S+, which cannot be read \(it is a folder\): correct the path or the permissions\.$/,
    ],
    [
      'a configuration file below a file',
      ['mcp', 'ls'],
      { LABMATE_CONFIG: join(emptyConfig, 'labmate.json') },
      /^LABMATE_CONFIG names \/\S+, which cannot be read \(a part of the path is a file\): correct the path or the permissions\.$/,
    ],
    ['a misspelt role', ['start'], { ...ENOUGH, ROLE: 'wrker' }, /^ROLE is "wrker": it must be gateway, worker, all/],
  ])('%s', async (_, args, env, sentence) => {
    const ran = await labmate(args, env);
    expect(ran.err.trim()).toMatch(sentence);
    expect(ran.err.trim().split('\n')).toHaveLength(1);
    expect(ran.err).not.toMatch(/secret|^\s+at /m);
    expect(ran.code).toBeGreaterThan(0);
    expect(ran.out).toBe('');
  });

  it('names all that start lacks, within two seconds', async () => {
    const ran = await labmate(['start']);
    expect(ran.err.match(/^(\w+|Neither SLACK_APP_TOKEN .*?) is (not )?set/gm)).toHaveLength(4);
    expect(ran.code).toBe(1);
    expect(ran.ms).toBeLessThan(4_000);
  });

  it('an unreachable Redis, within ten seconds', async () => {
    const ran = await labmate(['start'], { ...ENOUGH, LOG_LEVEL: 'silent' });
    expect(ran.err.trim()).toBe('REDIS_URL: no usable Redis at redis://127.0.0.1:1 (ECONNREFUSED). Start it, or correct the address or the password.');
    expect(ran.code).toBe(1);
    expect(ran.ms).toBeLessThan(10_000);
  });
});

describe('.env', () => {
  const home = mkdtempSync(join(tmpdir(), 'labmate-dotenv-'));
  writeFileSync(join(home, '.env'), 'REDIS_URL=redis://127.0.0.1:1\nREDIS_PREFIX="from file" # a space is not allowed\n');
  const nothingNamed = { LABMATE_CONFIG: undefined };

  it('is read in the folder of labmate.json, and a variable that is set wins', async () => {
    const inFolder = await labmate(['record', 'e-1'], nothingNamed, '', home);
    expect(inFolder).toMatchObject({ code: 1, err: expect.stringMatching(/^REDIS_PREFIX may hold /) });
    const set = await labmate(['record', 'e-1'], { ...nothingNamed, REDIS_PREFIX: 'lm' }, '', home);
    expect(set.err).toContain('no usable Redis at redis://127.0.0.1:1 ');
  });

  it('of the folder it runs in is left alone where LABMATE_CONFIG names a file elsewhere', async () => {
    expect((await labmate(['record', 'e-1'], {}, '', home)).err).toMatch(/^REDIS_URL is not set/);
  });

  it('or labmate.json of that folder that cannot be read is told with the reason', async () => {
    const odd = (name: string) => {
      const at = mkdtempSync(join(tmpdir(), 'labmate-odd-'));
      mkdirSync(join(at, name));
      return labmate(['mcp', 'ls'], nothingNamed, '', at);
    };
    expect((await odd('.env')).err).toBe('.env cannot be read (it is a folder): correct that.\n');
    expect((await odd('labmate.json')).err).toBe('./labmate.json cannot be read (it is a folder): correct that, or name another in LABMATE_CONFIG.\n');
    expect(whyNotRead(Object.assign(new Error(), { code: 'EACCES' }))).toBe('its permissions do not allow it');
  });

  it('says which file is missing where there is no labmate.json', async () => {
    const ran = await labmate(['doctor'], { ...nothingNamed, REDIS_PREFIX: 'lm' }, '', home);
    expect(ran.out).toContain('labmate.json was not found in this folder: cp labmate.example.json labmate.json');
    expect(ran.code).toBe(1);
  });
});

describe('what needs nothing', () => {
  it('lists in the help of a command what its options take', async () => {
    const sandbox = answerAtOnce(['sandbox', '--help'])?.text;
    for (const { name } of scenarios) expect(sandbox).toMatch(new RegExp(`[ ,]${name},`));
    for (const name of Object.keys(VARIABLES)) expect(sandbox).toContain(name);
    const toolsets = new Set(catalog.map((tool) => tool.needs[0] ?? 'people'));
    expect(answerAtOnce(['mcp', '--help'])?.text).toContain(`of ${[...toolsets].join(', ')} (default`);
  });

  it('says what there is', async () => {
    const ran = await labmate(['--help']);
    expect(ran.out).toContain('labmate verify FILE [--head SHA256]');
    expect(ran).toMatchObject({ code: 0, err: '' });
    expect((await labmate(['--version'])).out).toMatch(/^\d+\.\d+\.\d+\n$/);
  });

  it('lists the tools, and says beside the list what is unwise in labmate.json', async () => {
    const file = join(folder, 'mounts.json');
    writeFileSync(file, JSON.stringify({ mounts: { grafana: { trusted: true } } }));
    const ran = await labmate(['mcp', 'ls'], { LABMATE_CONFIG: file });
    expect(ran).toMatchObject({ code: 0, out: expect.stringMatching(/^compare_runs /m) });
    expect(ran.err.match(/mounts names "grafana", which is not in mcpServers/g)).toHaveLength(1);
    expect(ran.out).not.toContain('which is not in');
  });

  it('says on stderr how many tools a client is offered, and what the others lack', async () => {
    const without = (args: string[], env = {}) => labmate(['mcp', ...args], env).then(({ code, out, err }) => [code, out, err]);
    expect(await without([])).toEqual([
      0,
      '',
      expect.stringMatching(
        /^labmate mcp offers \d tools?; left out: databricks \(needs DATABRICKS_HOST\), mlflow \(needs MLFLOW_TRACKING_URI\), .*; see labmate mcp ls\n$/,
      ),
    ]);
    expect(await without(['--toolsets', 'mlflow'])).toEqual([
      0,
      '',
      'labmate mcp offers 0 tools; left out: mlflow (needs MLFLOW_TRACKING_URI); see labmate mcp ls\n',
    ]);
    const [, , all] = await without(['--toolsets', 'mlflow'], { MLFLOW_TRACKING_URI: 'http://127.0.0.1:1' });
    expect(all).toMatch(/^labmate mcp offers [2-9] tools\n$/);
  });

  it('takes a misspelled choice of tools for a mistake in the arguments, and says it alone', async () => {
    const file = join(folder, 'mounts-unknown.json');
    writeFileSync(file, JSON.stringify({ mounts: { grafana: { trusted: true } } }));
    const env = { LABMATE_CONFIG: file };
    expect(await labmate(['mcp', 'ls', '--toolsets', 'nope'], env)).toMatchObject({
      code: 2,
      err: 'labmate mcp: there is no toolset "nope"; there are databricks, mlflow, github, grafana, slack, people, sessions.\n',
    });
    expect(await labmate(['mcp', '--exclude-tools', 'nope'], env)).toMatchObject({
      code: 2,
      err: 'labmate mcp: there is no tool "nope"; see labmate mcp ls.\n',
    });
    for (const none of [['--toolsets=,'], ['ls', '--toolsets', ' , ']])
      expect(await labmate(['mcp', ...none], env)).toMatchObject({
        code: 2,
        err: 'labmate mcp: --toolsets names none; there are databricks, mlflow, github, grafana, slack, people, sessions.\n',
      });
    expect(await labmate(['mcp', '--exclude-tools=,'], env)).toMatchObject({
      code: 2,
      err: 'labmate mcp: --exclude-tools names none; see labmate mcp ls.\n',
    });
  });

  it('checks a record from a file and from stdin, and finds a changed byte', async () => {
    const record = smallRecord();
    const file = join(folder, 'record.jsonl');
    writeFileSync(file, record);
    expect(await labmate(['verify', file])).toMatchObject({
      code: 0,
      out: expect.stringMatching(/^OK 2 lines, head [0-9a-f]{64}, 0 approvals, 0 pull requests\n$/),
    });
    expect(await labmate(['verify', '-'], {}, record)).toMatchObject({ code: 0 });
    expect(await labmate(['verify', '-'], {}, record.replace('try v2', 'try v3'))).toMatchObject({
      code: 1,
      out: expect.stringMatching(/^BROKEN at line 2: /),
    });
    expect(await labmate(['verify', file, '--head', '0'.repeat(64)])).toMatchObject({ code: 1, out: expect.stringMatching(/^BROKEN/) });
  });
});

function smallRecord(): string {
  const events: SessionEvent[] = [
    { type: 'opened', team: 'T1', channel: 'C1', thread: null, by: 'U1', prompt: 'try v2', alias: 'e-1234', door: 'command', model: 'claude-test' },
    { type: 'ended', outcome: 'done', text: 'done' },
  ];
  let tip = { seq: 0, head: '0'.repeat(64) };
  return events
    .map((event) => {
      const { line, hash, seq } = nextLine(tip, '2026-01-01T00:00:00.000Z', 's1', event);
      tip = { seq, head: hash };
      return `${line}\n`;
    })
    .join('');
}
