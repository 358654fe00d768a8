import { mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, inject, it } from 'vitest';
import { readAnyConfig } from '../../src/config.ts';
import { examine } from '../../src/ops/doctor.ts';
import { startMessagesApi } from '../../src/sandbox/claude/messages-api.ts';
import { planner } from '../../src/sandbox/claude/planner.ts';
import { CONFIG_TOKEN } from '../../src/sandbox/slack/slack-stand-in.ts';
import { type StandIns, startStandIns } from '../../src/sandbox/stand-ins.ts';
import { receiveOtlp } from './otlp-receiver.ts';

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
    expect.stringMatching(/^ok \| Slack scopes \| the token has the \d+ scopes that are used, and no other$/),
    'ok | Slack events | Socket Mode opens with SLACK_APP_TOKEN',
    'ok | channel C0ML | is #ml-experiments',
    expect.stringMatching(/^left out \| Slack app \| SLACK_CONFIG_TOKEN not set/),
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

it('compares the installed app and its token with what this version needs, and names the fix', async () => {
  const { slack } = standIns;
  if (!slack) throw new Error('no workspace');
  const withToken = { ...everything(), SLACK_CONFIG_TOKEN: CONFIG_TOKEN };
  expect(await seen(withToken)).toContain('ok | Slack app | the installed app is what this version needs');
  slack.installed.scopes = ['chat:write', 'commands', 'admin'];
  slack.installed.manifest = { features: {}, settings: { socket_mode_enabled: false } };
  const lines = (await seen(withToken)).filter((line) => /\| Slack (app|scopes) \|/.test(line));
  slack.installed.scopes = null;
  slack.installed.manifest = null;
  expect(lines).toContainEqual(expect.stringMatching(/^wrong \| Slack scopes \| the bot token lacks app_mentions:read.*OAuth & Permissions/));
  expect(lines).toContainEqual(expect.stringMatching(/^warning \| Slack scopes \| the bot token may do more than is used: admin/));
  expect(lines).toContainEqual('wrong | Slack app | Socket Mode is off. At api.slack.com/apps, choose the app, Socket Mode: switch it on.');
  expect(lines).toContainEqual(expect.stringMatching(/^wrong \| Slack app \| the app lacks the event message.im/));
  expect((await seen({ ...withToken, SLACK_CONFIG_TOKEN: 'xoxe-expired' })).join('\n')).toMatch(/SLACK_CONFIG_TOKEN lives 12 hours/);
});

it('tells an archived channel, and one it was removed from', async () => {
  const channel = standIns.slack?.world.data.channels.find((c) => c.id === 'C0ML');
  if (!channel) throw new Error('no channel');
  channel.archived = true;
  expect(await seen(everything())).toContainEqual(expect.stringMatching(/^warning \| channel C0ML \| #ml-experiments is archived/));
  channel.archived = false;
  channel.left = true;
  expect(await seen(everything())).toContainEqual('warning | channel C0ML | the bot is not a member of #ml-experiments: /invite it there.');
  channel.left = false;
});

it('tells a collector of traces that takes them from one that is not there', async () => {
  const collector = await receiveOtlp();
  const traces = async () => (await seen({ OTEL_EXPORTER_OTLP_ENDPOINT: collector.url }, FILE)).filter((line) => line.includes('| traces |'));
  expect(await traces()).toEqual(['ok | traces | the collector takes them']);
  await collector.close();
  expect(await traces()).toEqual([expect.stringMatching(/^warning \| traces \| the collector does not answer: correct OTEL_EXPORTER_OTLP_ENDPOINT/)]);
});
