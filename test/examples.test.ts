import { spawnSync } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Client } from '@modelcontextprotocol/sdk/client/index.js';
import { StdioClientTransport } from '@modelcontextprotocol/sdk/client/stdio.js';
import { expect, test } from 'vitest';
import { parseAllDocuments } from 'yaml';
import { readAnyConfig } from '../src/config.ts';
import { judge } from '../src/policy/judge.ts';
import type { Permissions } from '../src/policy/rules.ts';
import { lineHash } from '../src/session/chain.ts';
import { catalog } from '../src/tools/catalog.ts';
import { entriesOf, opened, replied } from './session/logs.ts';

const folder = join(import.meta.dirname, '..', 'examples');
const read = (name: string) => readFileSync(join(folder, name), 'utf8');

function permissions(name: string): Permissions {
  const config = readAnyConfig({}, read(name), { tools: catalog.map((tool) => tool.name), fileName: name });
  if (!config.ok) throw new Error(config.faults.join('\n'));
  return config.config.permissions;
}
const calm = { tainted: false, postsOutside: 0 };
function launch(name: string, id: string, env: string, typicalMinutes?: number) {
  const runAs = env === 'prod' ? 'sp-prod-ads' : 'sp-dev';
  const job = { id, name: `ads-${id}`, tags: { env }, runAs, parameters: { feature_set: 'v2' }, declared: ['feature_set'] };
  const touches = { job, ...(typicalMinutes === undefined ? {} : { typicalMinutes }) };
  return judge({ tool: 'run_databricks_job', readOnly: false, touches }, permissions(name), calm);
}

test('every example is one that is known here', () => {
  const listed = [...read('README.md').matchAll(/^\| \[([^\]]+)\]/gm)].map((found) => found[1]);
  expect([...listed, 'README.md'].sort()).toEqual(readdirSync(folder).sort());
});

test('small-team.json: dev asks one of two, and prod is refused', () => {
  expect(launch('small-team.json', '101', 'dev')).toMatchObject({ is: 'confirm', approvers: { users: ['U0EXAMPLE1', 'U0EXAMPLE2'], quorum: 1 } });
  expect(launch('small-team.json', '900', 'prod').is).toBe('refuse');
});

test('quick-dev-runs.json: short jobs of dev run, long and unknown ones ask, prod is refused', () => {
  expect(launch('quick-dev-runs.json', '101', 'dev', 5).is).toBe('run');
  expect(launch('quick-dev-runs.json', '101', 'dev', 50).is).toBe('confirm');
  expect(launch('quick-dev-runs.json', '101', 'dev').is).toBe('confirm');
  expect(launch('quick-dev-runs.json', '900', 'prod', 5).is).toBe('refuse');
});

test('strict.json: prod asks two of a group, and tags are never written', () => {
  expect(launch('strict.json', '900', 'prod')).toMatchObject({ is: 'confirm', approvers: { groups: ['S0EXAMPLE2'], quorum: 2 } });
  expect(judge({ tool: 'tag_run', readOnly: false, touches: {} }, permissions('strict.json'), calm).is).toBe('refuse');
});

test('mcp.json: a client finds the reading tools, and only these', async () => {
  const { labmate } = (JSON.parse(read('mcp.json')) as { mcpServers: { labmate: { command: string; args: string[]; env: Record<string, string> } } })
    .mcpServers;
  expect([labmate.command, labmate.args[0]]).toEqual(['npx', 'labmate']);
  // What npx would start from the package is started from this checkout.
  const command = {
    command: process.execPath,
    args: [join(folder, '..', 'bin', 'labmate.mjs'), ...labmate.args.slice(1)],
    cwd: tmpdir(),
    stderr: 'ignore' as const,
  };
  const client = new Client({ name: 'example', version: '1' });
  await client.connect(
    new StdioClientTransport({ ...command, env: { PATH: process.env['PATH'] ?? '', ...labmate.env, GRAFANA_SERVICE_ACCOUNT_TOKEN: 'glsa_example' } }),
  );
  const { tools } = await client.listTools();
  await client.close();
  const names = tools.map((tool) => tool.name);
  expect(names).toEqual(expect.arrayContaining(['compare_runs', 'find_best_run', 'get_grafana_panel']));
  expect(tools.filter((tool) => tool.annotations?.readOnlyHint !== true)).toEqual([]);
}, 40_000);

test('check-record.mjs finds a whole record whole, a changed byte, and a head of another', async () => {
  const dir = await mkdtemp(join(tmpdir(), 'labmate-example-'));
  const file = join(dir, 'record.jsonl');
  const lines = entriesOf([opened(), replied(1), { type: 'ended', outcome: 'done', text: 'Done.' }]).map((entry) => entry.line);
  await writeFile(file, `${lines.join('\n')}\n`);
  const check = (...args: string[]) => {
    const ran = spawnSync(process.execPath, [join(folder, 'check-record.mjs'), file, ...args], { encoding: 'utf8' });
    return [ran.status, ran.stdout.trim()];
  };
  const head = lineHash(lines.at(-1)!);
  expect(check()).toEqual([0, `${lines.length} lines hold; head ${head}`]);
  expect(check(head.slice(0, 12))[0]).toBe(0);
  expect(check('0123456789ab')[0]).toBe(1);
  await writeFile(file, `${lines.join('\n').replace('U1', 'U9')}\n`);
  expect(check()).toEqual([1, 'line 2 does not follow line 1']);
  await writeFile(file, lines.join('\n').slice(0, -9));
  expect(check()).toEqual([1, 'line 3 is not whole']);
  const usage = 'Usage: node check-record.mjs record.jsonl [head]\n';
  const none = join(dir, 'none.jsonl');
  for (const [args, said] of [
    [[], usage],
    [[none], `${none} cannot be read (there is no such file). ${usage}`],
    [[dir], `${dir} cannot be read (it is a folder). ${usage}`],
  ] as const) {
    const ran = spawnSync(process.execPath, [join(folder, 'check-record.mjs'), ...args], { encoding: 'utf8' });
    expect([ran.status, ran.stdout, ran.stderr]).toEqual([2, '', said]);
  }
  await rm(dir, { recursive: true, force: true });
});

test('kubernetes.yaml: roles, probes that answer, nobody as root, and commands that exist', () => {
  type Container = {
    args?: string[];
    env: { name: string; value: string }[];
    livenessProbe?: { httpGet: { path: string } };
    readinessProbe?: { httpGet: { path: string } };
  };
  type Pod = { securityContext: { runAsNonRoot: boolean }; containers: Container[]; volumes: { name: string }[] };
  type Item = { kind: string; spec: { replicas?: number; template?: { spec: Pod }; jobTemplate?: { spec: { template: { spec: Pod } } } } };
  const items = parseAllDocuments(read('kubernetes.yaml')).map((doc) => doc.toJS() as Item);
  const pods = items.map((item) => item.spec.template?.spec ?? item.spec.jobTemplate!.spec.template.spec);
  expect(items.map((item) => item.kind)).toEqual(['Deployment', 'Deployment', 'CronJob']);
  expect(pods.every((pod) => pod.securityContext.runAsNonRoot)).toBe(true);
  expect(pods.map((pod) => pod.containers[0]!.env.find((e) => e.name === 'ROLE')?.value)).toEqual(['gateway', 'worker', undefined]);
  for (const pod of pods.slice(0, 2))
    expect([pod.containers[0]!.livenessProbe?.httpGet.path, pod.containers[0]!.readinessProbe?.httpGet.path]).toEqual(['/healthz', '/readyz']);
  const help = spawnSync(process.execPath, [join(folder, '..', 'bin', 'labmate.mjs'), 'records', '--help'], { encoding: 'utf8' }).stdout;
  expect(help).toContain('records FOLDER [--expire]');
  expect(pods[2]!.containers[0]!.args).toEqual(['records', '/records', '--expire']);
});
