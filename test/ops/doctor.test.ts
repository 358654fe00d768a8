import { mkdtempSync, readFileSync } from 'node:fs';
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
    'ok | approver U2 | is sam',
    expect.stringMatching(/^left out \| Slack app \| SLACK_CONFIG_TOKEN not set/),
    'ok | manifest | manifest.yml is what this version needs',
    'ok | Claude | sandbox-planner can be used with ANTHROPIC_API_KEY',
    expect.stringMatching(/^ok \| Databricks \| answers, \d+ jobs on its first page$/),
    expect.stringMatching(/^ok \| MLflow \| answers, \d+ experiments on its first page$/),
    'ok | Grafana | answers and accepts the token',
    'ok | GitHub acme/ads | can be read, its default branch is main',
  ]);
});

it('looks up every person, group, channel and default that labmate.json names, and says which key is to be corrected', async () => {
  const file = (changes: object) => JSON.stringify({ ...JSON.parse(FILE), ...changes });
  const named = async (changes: object) =>
    (await seen(everything(), file(changes))).filter((line) => / \| (approver|approvers' group|channel|defaults\.)/.test(line));
  const good = { job: '101', experiment: 'ads-rank-v3', repository: 'acme/ads', base: 'main' };
  expect(await named({ approvers: { default: { users: ['U2'], groups: ['S1'], channel: 'C0ML' } }, defaults: good })).toEqual([
    'ok | channel C0ML | is #ml-experiments',
    'ok | approver U2 | is sam',
    "ok | approvers' group S1 | has 2 members",
    expect.stringMatching(/^ok \| defaults\.job \| is /),
    'ok | defaults.experiment | is ads-rank-v3',
    'ok | defaults.base | is a branch of acme/ads',
  ]);
  const approvers = { default: { users: ['U9', 'U5'], groups: ['S9'], channel: 'C0GONE' }, run_databricks_job: { users: ['U8'] } };
  const bad = { approvers, allow: { channels: ['C0ELSE'] }, defaults: { job: '999999', experiment: 'ads-rnk', repository: 'acme/ad', base: 'main' } };
  expect(await named(bad)).toEqual([
    'ok | channel C0ML | is #ml-experiments',
    'wrong | channel C0GONE | the bot cannot see it: invite it there, or correct approvers.default.channel in labmate.json.',
    'wrong | channel C0ELSE | the bot cannot see it: invite it there, or correct allow.channels in labmate.json.',
    'wrong | approver U9 | Slack knows nobody of this id: correct approvers.default.users in labmate.json (in a profile: Copy member ID).',
    'wrong | approver U5 | gwen is a guest, and their yes does not count: correct approvers.default.users in labmate.json.',
    'wrong | approver U8 | Slack knows nobody of this id: correct approvers.run_databricks_job.users in labmate.json (in a profile: Copy member ID).',
    "wrong | approvers' group S9 | Slack knows no user group of this id: correct approvers.default.groups in labmate.json.",
    expect.stringMatching(/^wrong \| defaults\.job \| .*999999.* Correct defaults\.job in labmate\.json\.$/),
    'wrong | defaults.experiment | MLflow shows no experiment "ads-rnk". Correct defaults.experiment in labmate.json.',
    'wrong | defaults.repository | acme/ad is not in github.repositories of labmate.json (did you mean "acme/ads"?), so it may not be used: add it there, or correct defaults.repository.',
  ]);
  expect(await named({ defaults: { ...good, base: 'mian' } })).toContain(
    'wrong | defaults.base | acme/ads has no branch mian. Correct defaults.base in labmate.json.',
  );
});

it('says where a quorum is larger than the number of people who may approve, groups looked up', async () => {
  const quorums = async (approvers: object) =>
    (await seen(everything(), JSON.stringify({ ...JSON.parse(FILE), approvers }))).filter((line) => line.includes('| approvers.'));
  const few = (is: string, quorum: number, has: string) =>
    `wrong | ${is} | it asks for ${quorum} people's yes, and ${has} (groups looked up), so it can never be met: lower quorum in labmate.json, or name more people.`;
  // S1 has sam and another; gwen is a guest, whose yes does not count.
  expect(await quorums({ default: { users: ['U2'], groups: ['S1'], quorum: 2 }, run_databricks_job: { groups: ['S1'], quorum: 3 } })).toEqual([
    few('approvers.run_databricks_job', 3, 'only 2 may give it'),
  ]);
  expect(await quorums({ default: { users: ['U2', 'U5'], quorum: 2 } })).toEqual([few('approvers.default', 2, 'only 1 may give it')]);
});

it('names each value that is still the one of labmate.example.json', async () => {
  const example = readFileSync('labmate.example.json', 'utf8').replace('// "run_databricks_job"', '"run_databricks_job"');
  const left = (await seen({}, example)).filter((line) => line.includes('labmate.example.json'));
  const at = (is: string, key: string, value: string) =>
    `${is} | labmate.json | ${key} still holds ${value} of labmate.example.json: put your own there and wherever else it stands, or take it out.`;
  expect(left).toEqual([
    at('wrong', 'channels', 'CHANNEL_ID'),
    at('wrong', 'approvers.default.users', 'APPROVER_USER_ID'),
    at('wrong', 'approvers.run_databricks_job.groups', 'APPROVER_GROUP_ID'),
    at('wrong', 'defaults.job', 'DEV_JOB_ID'),
    at('warning', 'environments.dev.jobs', 'DEV_JOB_NAME-*'),
    at('warning', 'environments.prod.jobs', 'PROD_JOB_ID'),
    at('wrong', 'defaults.experiment', 'EXPERIMENT_NAME'),
    at('wrong', 'github.repositories', 'OWNER/REPOSITORY'),
  ]);
  const inCapitals = [...example.matchAll(/"([A-Z]+[_/][A-Z_]+[^"]*)"/g)].map((found) => found[1] ?? '');
  for (const value of inCapitals) expect(left.join('\n')).toContain(` ${value} `);
});

it('names the fix for whatever does not answer', async () => {
  const nowhere = 'http://127.0.0.1:1';
  const of = async (variables: Record<string, string>, file = FILE) =>
    (await seen({ ...everything(), ...variables }, file)).filter((line) => line.startsWith('wrong')).map((line) => line.split(' | ').slice(1).join(': '));
  expect(await of({ DATABRICKS_TOKEN: 'dapi-other-1' })).toEqual([expect.stringMatching(/^Databricks: .*\(403\).* Correct DATABRICKS_TOKEN\.$/)]);
  expect(await of({ DATABRICKS_HOST: nowhere })).toEqual([expect.stringMatching(/^Databricks: .* Correct DATABRICKS_HOST, or see to the network\.$/)]);
  expect(await of({ MLFLOW_TRACKING_TOKEN: 'other-one-1' })).toEqual([expect.stringMatching(/^MLflow: .*\(401\).* Correct MLFLOW_TRACKING_TOKEN, or /)]);
  expect(await of({ GITHUB_TOKEN: 'ghp_other-1' })).toEqual([expect.stringMatching(/^GitHub acme\/ads: .* Correct GITHUB_TOKEN, or github\.repositories /)]);
  expect(await of({ ANTHROPIC_BASE_URL: nowhere })).toEqual([expect.stringMatching(/^Claude: .* Correct ANTHROPIC_BASE_URL, or see to the network\.$/)]);
  expect(await of({ GRAFANA_URL: nowhere })).toEqual([
    expect.stringMatching(/^Grafana: does not answer \(.+\)\. Correct GRAFANA_URL, or see to the network\.$/),
  ]);
  const slack = (await of({ SLACK_API_URL: nowhere })).filter((line) => /^Slack/.test(line));
  expect(slack).toEqual([
    expect.stringMatching(/^Slack: .* Correct SLACK_API_URL, or see to the network\.$/),
    expect.stringMatching(/^Slack scopes: does not answer \(.+\)\. Correct SLACK_API_URL, or see to the network\.$/),
    expect.stringMatching(/^Slack events: does not answer \(.+\)\. Correct SLACK_API_URL, or see to the network\.$/),
  ]);
  const defaults = { job: '101', experiment: 'ads-rank-v3', repository: 'acme/ads', base: 'main' };
  const away = { DATABRICKS_HOST: nowhere, MLFLOW_TRACKING_URI: nowhere, GITHUB_API_URL: nowhere };
  expect((await of(away, JSON.stringify({ ...JSON.parse(FILE), defaults }))).filter((line) => line.startsWith('defaults.'))).toEqual([
    expect.stringMatching(/^defaults\.job: .* Correct DATABRICKS_HOST, or see to the network\.$/),
    expect.stringMatching(/^defaults\.experiment: .* Correct MLFLOW_TRACKING_URI, or see to the network\.$/),
    expect.stringMatching(/^defaults\.base: .* Correct GITHUB_API_URL, or see to the network\.$/),
  ]);
  const approvers = { default: { users: ['U2'], groups: ['S1'], quorum: 2 } };
  const named = async (variables: Record<string, string>) =>
    (await seen({ ...everything(), ...variables }, JSON.stringify({ ...JSON.parse(FILE), approvers }))).filter((line) => / \| (channel|approver)/.test(line));
  const notLookedAt = (why: string) =>
    ['channel C0ML', 'approver U2', "approvers' group S1", 'approvers.default'].map((about) => `left out | ${about} | not looked at, because ${why}`);
  expect(await named({ SLACK_API_URL: nowhere })).toEqual(notLookedAt('Slack does not answer'));
  expect(await named({ SLACK_BOT_TOKEN: 'xoxb-other' })).toEqual(notLookedAt('the token is not accepted'));
  expect(await of({ ANTHROPIC_MODEL: 'no-such-model' })).toEqual([expect.stringMatching(/^Claude: .*"no-such-model".* check ANTHROPIC_MODEL\.$/)]);
  const mounts = JSON.stringify({ ...JSON.parse(FILE), mcpServers: { grafana: { url: nowhere }, store: { command: '/no/such/program' } } });
  expect(await of({}, mounts)).toEqual([
    expect.stringMatching(/^MCP server grafana: .* See whether it runs, and mcpServers\.grafana\.url in labmate\.json; where it asks who we are, /),
    expect.stringMatching(/^MCP server store: .* See mcpServers\.store\.command, args and env in labmate\.json\.$/),
  ]);
});

it('names the variable of each token that is not accepted, and no token', async () => {
  const wrong = (name: string, value: string) => ({ ...everything(), [name]: value });
  const only = async (variables: Record<string, string>) => (await seen(variables)).filter((line) => line.startsWith('wrong'));
  expect(await only(wrong('SLACK_APP_TOKEN', 'xapp-secret-1'))).toEqual([expect.stringContaining('Slack events | Slack refuses Socket Mode')]);
  expect(await only(wrong('ANTHROPIC_API_KEY', 'sk-ant-secret-1'))).toEqual([expect.stringContaining('check ANTHROPIC_API_KEY.')]);
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
      expect.stringMatching(/^wrong \| Slack \| needs SLACK_BOT_TOKEN, and SLACK_APP_TOKEN or SLACK_SIGNING_SECRET: not all of it is set; /),
      'left out | Grafana | GRAFANA_URL not set: its tools are not offered',
    ]),
  );
  expect(await seen(everything(), FILE.replace('C0ML', 'C0GONE'))).toContain(
    'wrong | channel C0GONE | the bot cannot see it: invite it there, or correct channels in labmate.json.',
  );
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
  expect(await seen(everything())).toContainEqual(expect.stringMatching(/^wrong \| channel C0ML \| #ml-experiments is archived/));
  channel.archived = false;
  channel.left = true;
  expect(await seen(everything())).toContainEqual('wrong | channel C0ML | the bot is not a member of #ml-experiments: /invite it there.');
  channel.left = false;
});

it('tells a collector of traces that takes them from one that is not there', async () => {
  const collector = await receiveOtlp();
  const traces = async () => (await seen({ OTEL_EXPORTER_OTLP_ENDPOINT: collector.url }, FILE)).filter((line) => line.includes('| traces |'));
  expect(await traces()).toEqual(['ok | traces | the collector takes them']);
  await collector.close();
  expect(await traces()).toEqual([expect.stringMatching(/^warning \| traces \| the collector does not answer: correct OTEL_EXPORTER_OTLP_ENDPOINT/)]);
});
