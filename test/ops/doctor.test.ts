import { mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, inject, it } from 'vitest';
import { readAnyConfig } from '../../src/config.ts';
import { examine } from '../../src/ops/doctor.ts';
import { startMessagesApi } from '../../src/sandbox/claude/messages-api.ts';
import { planner } from '../../src/sandbox/claude/planner.ts';
import { type StandIns, startStandIns } from '../../src/sandbox/stand-ins.ts';

let standIns: StandIns;
beforeAll(async () => {
  standIns = await startStandIns({
    mode: 'socket',
    eventsUrl: '',
    real: [],
    dir: mkdtempSync(join(tmpdir(), 'labmate-doctor-')),
    trainingSeconds: 6,
    ports: {},
    onTraffic: () => {},
    startClaude: ({ port, key, onTraffic }) => startMessagesApi({ answer: planner, port, key, onTraffic }),
  });
});
afterAll(() => standIns.close());

const FILE = JSON.stringify({
  channels: ['C0ML'],
  approvers: { default: { users: ['U2'] } },
  environments: { dev: { jobs: ['101'] } },
  actIn: ['dev'],
  github: { repositories: ['acme/ads'] },
});
const everything = () => ({ ...standIns.variables, REDIS_URL: inject('redisUrl') });
const seen = async (variables: Record<string, string | undefined>, file = FILE) =>
  (await examine(readAnyConfig(variables, file))).map(({ is, about, text }) => `${is} | ${about} | ${text}`);

it('finds nothing wrong where nothing is', async () => {
  expect(await seen(everything())).toEqual([
    'ok | configuration | every variable and labmate.json can be read',
    'ok | Redis | answers, keys begin with {lm}',
    'ok | Slack | bot user UBOT signs in with SLACK_BOT_TOKEN',
    'ok | Slack events | Socket Mode opens with SLACK_APP_TOKEN',
    'ok | channel C0ML | is #ml-experiments',
    'ok | manifest | manifest.yml is what this version needs',
    'ok | Claude | sandbox-planner can be used with ANTHROPIC_API_KEY',
    expect.stringMatching(/^ok \| Databricks \| answers, \d+ jobs on its first page$/),
    expect.stringMatching(/^ok \| MLflow \| answers, \d+ experiments on its first page$/),
    'ok | Grafana | answers and accepts the token',
    'ok | GitHub acme/ads | can be read, its default branch is main',
  ]);
});

it('names the variable of each token that is not accepted, and no token', async () => {
  const wrong = (name: string, value: string) => ({ ...everything(), [name]: value });
  const only = async (variables: Record<string, string>) => (await seen(variables)).filter((line) => line.startsWith('wrong'));
  expect(await only(wrong('SLACK_APP_TOKEN', 'xapp-secret-1'))).toEqual([expect.stringContaining('Slack events | Slack refuses Socket Mode')]);
  expect(await only(wrong('ANTHROPIC_API_KEY', 'sk-ant-secret-1'))).toEqual([expect.stringContaining('ANTHROPIC_API_KEY is not accepted')]);
  expect(await only(wrong('GRAFANA_SERVICE_ACCOUNT_TOKEN', 'glsa_secret-1'))).toEqual([
    expect.stringContaining('GRAFANA_SERVICE_ACCOUNT_TOKEN is not accepted'),
  ]);
  const several = await only({ ...wrong('DATABRICKS_TOKEN', 'dapi-secret-1'), GITHUB_TOKEN: 'ghp_secret-1', SLACK_BOT_TOKEN: 'xoxb-secret-1' });
  expect(several.length).toBeGreaterThanOrEqual(3);
  expect(several.join('\n')).not.toContain('secret-1');
});

it('says what is left out, what is missing, and a channel the bot cannot see', async () => {
  expect(await seen({}, '{}')).toEqual(
    expect.arrayContaining([
      expect.stringMatching(/^wrong \| Redis \| REDIS_URL is not set/),
      'left out | Grafana | GRAFANA_URL not set: its tools are not offered',
    ]),
  );
  expect(await seen(everything(), FILE.replace('C0ML', 'C0GONE'))).toContainEqual(expect.stringMatching(/^(warning|wrong) \| channel C0GONE \| /));
});

it('gives every fault of the configuration and looks no further', async () => {
  expect(await seen({ ROLE: 'boss', PORT: 'x' }, '{')).toEqual([
    expect.stringContaining('labmate.json is not valid JSON'),
    expect.stringContaining('ROLE is "boss"'),
    expect.stringContaining('PORT is "x"'),
  ]);
});
