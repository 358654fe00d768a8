import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import type { Permissions } from '../../src/policy/rules.ts';
import { openTraining } from '../../src/sandbox/launches.ts';
import { type MlflowStandIn, startMlflow } from '../../src/sandbox/mlflow.ts';
import { refuseBlocks } from '../../src/sandbox/slack/validate-blocks.ts';
import { mlflow } from '../../src/services/mlflow.ts';
import type { SessionEvent } from '../../src/session/events.ts';
import type { Runs } from '../../src/slack/desk.ts';
import { askReadTool } from '../../src/tools/ask-read-tool.ts';
import { asks, finished, replied, started } from '../session/logs.ts';
import { aDesk, permissions, until, whispersTo } from './a-desk.ts';

// The commands over real Bolt, a real log on Redis, and the real tools against a server that answers as MLflow does. No model is anywhere near.

const clock = Date.UTC(2026, 10, 1);
const training = openTraining({ clock: () => clock });
let server: MlflowStandIn;
let desk: Awaited<ReturnType<typeof aDesk>>;
beforeAll(async () => {
  server = await startMlflow({ training });
});
afterAll(() => server.close());
afterEach(async () => {
  server.fault(null);
  await desk.close();
});

function runsOf(url: string, rules: Permissions['policy']['rules'] = []): Runs {
  const service = mlflow({ uri: url });
  const settings = {
    defaults: { experiment: 'ads-rank-v3' },
    metrics: { val_f1: 'max' as const },
    thresholdReading: 'relative' as const,
    recordsPath: 'e',
    environments: {},
  };
  return {
    exists: async (name, signal) => (await service.findExperiment(name, signal)) !== null,
    ask: askReadTool({ services: { mlflow: service }, settings, permissions: { ...permissions, policy: { ...permissions.policy, rules } }, now: () => clock }),
  };
}

const open = async (rules?: Permissions['policy']['rules']) => {
  desk = await aDesk('http', { door: { runs: runsOf(server.url, rules) } });
};
const type = async (text: string, as = 'U1') => (await desk.workspace.act({ as, do: 'command', command: '/experiment', text, channel: 'C0ML' })).response ?? '';
/** What somebody is told after the command was acknowledged with nothing. */
async function told(text: string, as = 'U1'): Promise<{ text: string; blocks: unknown[] }> {
  const before = desk.workspace.world.data.messages.filter((m) => m.onlyFor === as).length;
  expect(await type(text, as)).toBe('');
  const answer = await until(() => desk.workspace.world.data.messages.filter((m) => m.onlyFor === as)[before]);
  expect(refuseBlocks(answer.blocks as never)).toBeNull();
  return answer;
}
const sessions = async () => (await desk.log.reading.list('T1')).length;
const some = () => server.runs().filter((run) => run.status === 'FINISHED' && run.experimentId === '1' && run.history['val_f1'] !== undefined);

/** A session that trained and compared, as the worker would have written it. */
async function session(sid: string, prompt: string, ...events: SessionEvent[]) {
  const { log, keys, redis } = desk.log;
  await desk.log.deliver(`open-${sid}`, { do: 'open', session: sid, team: 'T1', channel: 'C0ML', thread: null, by: 'U1', prompt, door: 'command' });
  const lease = await log.claim(desk.log.owner(sid), 5_000);
  if (!lease) throw new Error('no lease');
  for (const event of events) {
    const guard = event.type === 'call_started' ? { is: 'effect' as const, approval: event.approval, executionExpiresMs: 60_000 } : { is: '' as const };
    expect((await log.commit(desk.log.owner(sid), lease.fence, await log.tip(sid), [event], guard)).is).toBe('OK');
  }
  await log.park(desk.log.owner(sid), lease.fence, await log.tip(sid), null);
  await redis.del(keys.about('T1'));
  const { rebuildAbout } = await import('../../src/runtime/keep-about.ts');
  await rebuildAbout({ redis, keys, log, retentionMs: 1e12 });
  return (await desk.log.reading.session(sid))?.opened.alias ?? '';
}

const trained = (sid: string, run: string, mlflowRun: string, parameters: Record<string, string>): SessionEvent[] => [
  replied(1, [{ id: 'c1', tool: 'run_databricks_job' }]),
  asks('c1', `${sid}/1`, new Date(Date.now() + 3_600_000).toISOString()),
  { type: 'call_finished', call: 'c1', outcome: { status: 'ok', text: 'done', data: { run_id: run, run_url: `https://dbc.example/run/${run}` } } },
  replied(4, [{ id: 'c2', tool: 'compare_runs', input: { primary_metric: 'val_f1', candidate_run_id: mlflowRun } }]),
  finished('c2', {
    baseline: { run_id: 'b'.repeat(32) },
    candidate: { run_id: mlflowRun },
    primary: { verdict: 'improved', metric: 'val_f1', delta_pct: 3.03 },
    runs: [{ run_id: run, status: 'SUCCEEDED', mlflow_run_ids: [mlflowRun], parameters }],
  }),
];

describe('without a model', () => {
  test('best names the run, why it and no other, and opens no session', async () => {
    await open();
    const answer = await told('best ads-rank-v3 val_f1');
    expect(answer.text).toMatch(/^Best val_f1 in ads-rank-v3: 0\.7126\nRun .*, best of 41\./);
    expect(JSON.stringify(answer.blocks)).toMatch(/Higher is better: by labmate\.json.*Chosen so: .*Runner-up/);
    expect(await sessions()).toBe(0);
    expect((await told('best ads-rank-v3 val_f11')).text).toBe('No run of ads-rank-v3 has a metric called val_f11. Did you mean val_f1?');
  });

  test('best of an experiment that does not exist is a request like any other; where nobody can say, nothing is opened', async () => {
    await open();
    expect(await type('best ads-rank-v9 val_f1')).toMatch(
      /^Opened e-\w+\. Its thread follows in this channel\. MLflow has no experiment called ads-rank-v9\. If you meant \/experiment best EXPERIMENT METRIC, reply “stop” there\.$/,
    );
    expect(await sessions()).toBe(1);
    server.fault({ target: 'mlflow', kind: 'status', status: 503 });
    expect(await type('best ads-rank-v3 val_f1')).toMatch(/^I cannot say whether there is an experiment ads-rank-v3, so nothing was started\. MLflow/);
    expect(await sessions()).toBe(1);
  });

  test('compare takes runs, shows the verdict message, and says in a sentence what it cannot find', async () => {
    await open();
    const [a, b] = some().map((run) => run.runId);
    const answer = await told(`compare ${a} ${b}`);
    expect(answer.text).toMatch(/val_f1/);
    expect(JSON.stringify(answer.blocks)).toContain('"type":"table"');
    expect(JSON.stringify(answer.blocks)).toMatch(/Parameters that differ|No parameter differs/);
    // As help says, a run of Databricks will do; which run of MLflow that is, is no objection to the comparison.
    const [x = '', y = ''] = some().flatMap((run) => run.tags['mlflow.databricks.jobRunID'] ?? []);
    const byJob = (await told(`compare ${x} ${y}`)).blocks.map((block) => JSON.stringify(block));
    const note = expect.stringContaining(`${x} is a Databricks run id`);
    expect(byJob).toContainEqual(note);
    expect(byJob.filter((block) => block.includes('careful reader'))).not.toContainEqual(note);
    expect((await told(`compare ${a} ${a}`)).text).toBe(`Both are run ${a}, so there is nothing to compare.`);
    expect((await told(`compare ${a} ${'0'.repeat(32)}`)).text).toBe(`I could not compare them. MLflow has no run ${'0'.repeat(32)}.`);
    expect((await told(`compare e-none ${a}`)).text).toMatch(/^I know no experiment e-none\./);
    expect(await sessions()).toBe(0);
  });

  test('what a rule denies to models is denied to people too', async () => {
    await open([{ tool: 'compare_runs', action: 'deny' }]);
    const [a = '', b = ''] = some().map((run) => run.runId);
    expect((await told(`compare ${a} ${b}`)).text).toMatch(/^I could not compare them\. A rule of labmate\.json denies compare_runs/);
  });

  test('compare resolves a session to the run it trained, and names the one that trained nothing', async () => {
    await open();
    const [one, two] = some();
    const first = await session('s-one', 'Train it', ...trained('s-one', '9007199254740993', one?.runId ?? '', {}));
    const second = await session('s-two', 'Train it', ...trained('s-two', '9007199254740995', two?.runId ?? '', {}));
    const idle = await session('s-idle', 'Think about it');
    const answer = await told(`compare ${first} ${second}`);
    expect(answer.text).toContain('val_f1');
    expect(JSON.stringify(answer.blocks)).toContain(two?.runId.slice(0, 8));
    expect((await told(`compare ${first} ${idle}`)).text).toBe(`${idle} has started no training run, so there is nothing to compare.`);
    expect(await type('show 9007199254740995')).toContain(`${second}: `);
    expect(await type('show 12345')).toMatch(/^I know no experiment that started this run\./);
  });

  test('without MLflow best is a request, and compare says what is missing', async () => {
    desk = await aDesk('http');
    expect((await told(`compare ${'a'.repeat(32)} ${'b'.repeat(32)}`)).text).toBe('MLflow is not configured here, so I know of no runs.');
    expect(await type('best ads-rank-v3 val_f1')).toMatch(/^Opened e-/);
  });
});

describe('find', () => {
  test('searches prompts, parameters, people and verdicts: every word, any case, the newest twenty and the rest counted', async () => {
    await open();
    const alias = await session('s-find', 'Try the Rare flamingo\nfeatures', ...trained('s-find', '77', 'f'.repeat(32), {}), {
      type: 'ended',
      outcome: 'done',
      text: '',
    });
    for (let i = 0; i < 23; i++) await desk.log.open(`many-${i}`, `Common request number ${i}`);
    for (const words of ['flamingo rare', 'FLAMINGO improved', '"rare flamingo features"', 'flamingo <@U1>', 'flamingo priya', '77 val_f1'])
      expect((await told(`find ${words}`)).text).toContain(`${alias} done`);
    expect((await told('find "flamingo rare"')).text).toBe('Nothing found for “"flamingo rare"”.'.replaceAll('"', ''));
    expect((await told('find flamingo tulip')).text).toBe('Nothing found for “flamingo tulip”.');
    const many = await told('find common request');
    expect(many.text).toMatch(/^Found for “common request”: 23\n/);
    expect(JSON.stringify(many.blocks)).toMatch(/3 more; .*\/experiment find WORDS/);
    expect(many.text).toContain('Common request number 22');
  });

  test('a verdict alone finds what came to it, and not what only speaks of it', async () => {
    await open();
    const ended: SessionEvent = { type: 'ended', outcome: 'done', text: '' };
    const alias = await session('s-better', 'Train it', ...trained('s-better', '78', 'f'.repeat(32), {}), ended);
    await desk.log.open('s-speaks', 'If val_f1 improved by more than 1%, open a pull request; if it regressed, say so');
    for (const words of ['improved', 'IMPROVED', '"improved"']) {
      const { text } = await told(`find ${words}`);
      expect(text).toContain(alias);
      expect(text).not.toContain('pull request');
    }
    expect((await told('find regressed')).text).toBe('Nothing found for “regressed”.');
    expect((await told('find improved pull')).text).toContain('pull request');
    for (const words of ['"not enough of a difference"', 'within threshold', 'no verdict', 'inconclusive'])
      expect((await told(`find ${words}`)).text).toMatch(/^Nothing found/);
  });

  test('a parameter is found by its name, its value and both', async () => {
    await open();
    const sid = 's-par';
    const { approval: _, ...start } = started('c1');
    const events: SessionEvent[] = [
      replied(1, [{ id: 'c1', tool: 'run_databricks_job' }]),
      { ...start, rule: 'r', arguments: { job_id: '101', parameters: { feature_set: 'v2' } } },
    ];
    const alias = await session(sid, 'Train it', ...events);
    for (const words of ['feature_set v2', 'feature_set=v2', 'V2 training']) {
      const { text } = await told(`find ${words}`);
      if (words === 'V2 training') expect(text).toMatch(/^Nothing found/);
      else expect(text).toContain(alias);
    }
  });
});

describe('what help says', () => {
  test('is every form there is, and nothing that is not available', async () => {
    await open();
    const text = await type('help');
    for (const form of [
      'status',
      'list',
      'show ID',
      'stop ID',
      'rerun ID key=value…',
      'compare A B',
      'best EXPERIMENT METRIC',
      'find WORDS',
      'record ID',
      'approvals',
    ])
      expect(text).toContain(form);
    const shown = desk.workspace.world.data.messages.at(-1);
    expect(JSON.stringify(shown?.blocks)).not.toContain('not available');
    expect(JSON.stringify(shown?.blocks)).toContain('orchestrator');
  });

  test('record puts the exact lines into the thread as a file, and links it', async () => {
    await open();
    await type('Train it');
    const [about] = await desk.log.reading.list('T1');
    expect(await type(`record ${about?.alias}`)).toContain('has no thread yet');
    await desk.tell(about?.session ?? '');
    const root = desk.workspace.world.data.messages.find((m) => m.bot && m.threadTs === null && m.onlyFor === null);
    await desk.log.redis.hset(desk.log.keys.slots(about?.session ?? ''), 'root', JSON.stringify({ channel: 'C0ML', ts: root?.ts, hash: 'x' }));
    expect(await type(`record ${about?.alias}`)).toMatch(/ so far has 1 lines, head [0-9a-f]{64}\. I am putting it into its thread: http/);
    const file = await until(() => desk.workspace.world.data.messages.flatMap((m) => m.files).find((f) => f.name.endsWith('-record.jsonl')));
    expect(file.title).toBe(`Record of ${about?.alias}`);
    expect(whispersTo(desk.workspace, 'U1').join('\n')).not.toContain('could not be put');
  });
});
