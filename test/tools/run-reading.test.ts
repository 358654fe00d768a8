import { createHash } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { approved, asks, denied, opened, replied, started } from '../session/logs.ts';
import { allBackends, storedOf } from './all-backends.ts';

// What the reading tools tell of runs, files, dashboards and earlier sessions, by a real MCP client.

let world: Awaited<ReturnType<typeof allBackends>>;
let ask: Awaited<ReturnType<typeof world.connect>>['call'];
beforeAll(async () => {
  world = await allBackends();
  ask = (await world.connect()).call;
});
afterAll(() => world.close());
const best = () => world.seeded('sweep-00');

describe('get_job_output', () => {
  test('a failed run tells its error, the end of its trace and of its log', async () => {
    const { data, text } = await ask('get_job_output', { run_id: world.trained({ fail: 'oom' }), tail_lines: 3 });
    expect(data).toMatchObject({ status: 'FAILED', truncated: true });
    expect(data['tasks']).toHaveLength(1);
    const [task] = data['tasks'];
    expect(task).toMatchObject({ task_key: 'train', status: 'FAILED', error: expect.stringContaining('CUDA out of memory') });
    expect(task.error_trace.split('\n')).toHaveLength(3);
    expect(task.logs).toMatch(/^epoch \d+: val_f1=/);
    expect(text).toContain('Logs are cut to their ends.');
  });

  test('a run that ended well tells its result, one that was skipped that there is nothing', async () => {
    const { data } = await ask('get_job_output', { run_id: world.trained() });
    expect(JSON.parse(data['tasks'][0].result)).toEqual({ run_id: expect.stringMatching(/^[0-9a-f]{32}$/) });
    expect((await ask('get_job_output', { run_id: world.trained({ fail: 'skip' }) })).text).toContain('It left no output.');
  });
});

describe('search_runs', () => {
  test('pages join without a gap, also where an answer was too long for its page', async () => {
    const names: string[] = [];
    let cursor: string | undefined;
    do {
      const { data } = await ask('search_runs', { experiment: 'ads-rank-v3', limit: 50, ...(cursor ? { cursor } : {}) });
      expect(JSON.stringify(data).length).toBeLessThan(9_000);
      names.push(...data['runs'].map((run: { run_id: string }) => run.run_id));
      cursor = data['next_cursor'];
    } while (cursor);
    const all = world.tracking.runs().filter((run) => run.experimentId === '1' && !run.deleted);
    expect(names).toHaveLength(all.length);
    expect(new Set(names).size).toBe(all.length);
  });

  test.each(['metrics.val_f1 DESC', 'val_f1 desc', 'metrics.`val_f1` DESC'])('%s is an order it understands', async (order_by) => {
    const { data } = await ask('search_runs', {
      experiment: 'ads-rank-v3',
      order_by,
      filter: "attributes.status = 'FINISHED'",
      limit: 3,
      columns: ['val_f1', 'params.seed'],
    });
    const values = data['runs'].map((run: { metrics: { val_f1: number } }) => run.metrics.val_f1);
    expect(values).toEqual([...values].sort((a, b) => b - a));
    expect(Object.keys(data['runs'][0].metrics)).toEqual(['val_f1']);
    expect(Object.keys(data['runs'][0].params)).toEqual(['seed']);
    expect(data).toMatchObject({ truncated: true, next_cursor: expect.any(String) });
  });

  test('a column that no run has is told, not left empty in silence', async () => {
    const { data, text } = await ask('search_runs', { experiment: 'ads-rank-v3', columns: ['val_fl'], limit: 2 });
    expect(data['unknown_columns']).toEqual(['val_fl']);
    expect(text).toContain('None of these runs has a metric or parameter val_fl.');
  });
});

describe('get_metric_history', () => {
  test('a thinned course keeps its first, last, lowest and highest', async () => {
    const run_id = world.seeded('sweep-46');
    const whole = world.tracking.runs().find((run) => run.runId === run_id)!.history['val_f1']!;
    const { data, text } = await ask('get_metric_history', { run_id, metric: 'val_f1', samples: 6 });
    const points: { step: number; value: number }[] = data['points'];
    expect(data).toMatchObject({ total: 20, downsampled: true, omitted: 20 - points.length });
    expect(points.length).toBeLessThanOrEqual(6);
    expect([points[0]!.step, points.at(-1)!.step]).toEqual([0, 19]);
    expect(points).toContainEqual(expect.objectContaining({ step: 9, value: 0.744 }));
    expect(Math.min(...points.map((p) => p.value))).toBe(Math.min(...whole.map((p) => p.value)));
    expect(text).toContain('highest 0.744 at step 9');
  });

  test('steps narrow it, and a metric that is not there is answered with near names', async () => {
    const { data } = await ask('get_metric_history', { run_id: best(), metric: 'val_f1', min_step: 5, max_step: 8 });
    expect(data['points'].map((p: { step: number }) => p.step)).toEqual([5, 6, 7, 8]);
    expect(data).toMatchObject({ total: 4, downsampled: false });
    expect((await ask('get_metric_history', { run_id: best(), metric: 'val_fl' })).text).toBe(
      `METRIC_NOT_FOUND: Run ${best()} has no metric called val_fl. Next: ask whether val_f1 is meant. (not retryable)`,
    );
  });
});

test('diagnose_run finds the losses by their names and gives its figures', async () => {
  const { data, text } = await ask('diagnose_run', { run_id: best() });
  expect(data).toMatchObject({ loss: 'train_loss', val_loss: 'val_loss', overfit: false });
  expect(['converging', 'plateaued']).toContain(data['trend']);
  expect(text).toContain('train_loss went from');
});

describe('get_run_artifact', () => {
  test('lists folders and files', async () => {
    expect((await ask('get_run_artifact', { run_id: best() })).data['files']).toEqual([
      { path: 'features', is_dir: true },
      { path: 'model', is_dir: true },
    ]);
    const { data } = await ask('get_run_artifact', { run_id: best(), path: 'features/' });
    expect(data['files'].map((f: { path: string }) => f.path)).toEqual(['features/distribution.json', 'features/distribution.png', 'features/drift.csv']);
  });

  test('a feature distribution is a picture, with its bytes', async () => {
    const { data, content } = await ask('get_run_artifact', { run_id: best(), path: 'features/distribution.png' });
    const picture = content.find((c) => c.type === 'image') as { data: string; mimeType: string };
    const bytes = Buffer.from(picture.data, 'base64');
    expect(picture.mimeType).toBe('image/png');
    expect(data).toMatchObject({ media_type: 'image/png', size: bytes.length, sha256: createHash('sha256').update(bytes).digest('hex') });
  });

  test('CSV and JSON are inline', async () => {
    const csv = await ask('get_run_artifact', { run_id: best(), path: 'features/drift.csv' });
    expect(csv.data).toMatchObject({ media_type: 'text/csv', truncated: false, text: expect.stringMatching(/^feature,mean,reference_mean,psi\nctr_7d,/) });
    expect(csv.text).toContain('ctr_7d');
    const { data } = await ask('get_run_artifact', { run_id: best(), path: 'features/distribution.json' });
    expect(JSON.parse(data['text'])).toMatchObject({ feature_set: 'v1' });
  });

  test('what is too large is linked and not fetched', async () => {
    for (const input of [{ path: 'model/data/model.pth' }, { path: 'features/distribution.json', max_bytes: 100 }]) {
      const { data, text } = await ask('get_run_artifact', { run_id: best(), ...input });
      expect(data).toMatchObject({ path: input.path, truncated: true, link: expect.stringContaining('/runs/') });
      expect(text).toContain('bytes that are fetched here');
    }
  });

  test.each(['../secrets', '/etc/passwd', 'features/../../x', 'features%2f..', 'a\\b'])('%s is no path', async (path) => {
    expect((await ask('get_run_artifact', { run_id: best(), path })).text).toMatch(/^BAD_PATH: /);
  });

  test('a path that is not there is answered with what is', async () => {
    expect((await ask('get_run_artifact', { run_id: best(), path: 'features/nope.png' })).text).toMatch(/^ARTIFACT_NOT_FOUND: .*features\/, model\//);
  });
});

describe('tag_run', () => {
  const tag = async (input: Record<string, unknown>) => (await world.connect({ auto: true })).call('tag_run', { run_id: best(), value: 'x', ...input });

  test.each(['labmate.record.sha256', 'LABMATE.x', 'mlflow.parentRunId', 'mlflow.runName', 'a:b', ' a'])('%s is refused', async (key) => {
    expect((await tag({ key })).text).toMatch(/^BAD_TAG: /);
  });

  test('a tag is set once, replaced only when told to, and says what it was', async () => {
    expect((await tag({ key: 'team.note' })).data).toEqual({ status: 'tagged', run_id: best(), key: 'team.note' });
    expect((await tag({ key: 'team.note' })).text).toMatch(/^ALREADY_SET: /);
    expect((await tag({ key: 'team.note', value: 'y' })).text).toMatch(/^TAG_EXISTS: /);
    expect((await tag({ key: 'team.note', value: 'y', overwrite: true })).data['previous_value']).toBe('x');
    expect((await world.services.mlflow!.getRun(best())).tags['team.note']).toBe('y');
  });

  test('a description stays Markdown that hides and loads nothing', async () => {
    await tag({ key: 'mlflow.note.content', value: '**v2** ![p](http://x/y) <!-- z -->' });
    expect((await world.services.mlflow!.getRun(best())).tags['mlflow.note.content']).toBe('**v2** [p](http://x/y) &lt;!-- z -->');
  });

  test('a description without a value is the readable record: what was asked, and where it can be checked', async () => {
    const { data } = await tag({ key: 'mlflow.note.content', value: undefined, overwrite: true });
    expect(data).toMatchObject({ status: 'tagged', key: 'mlflow.note.content' });
    const note = (await world.services.mlflow!.getRun(best())).tags['mlflow.note.content'] ?? '';
    expect(note).toMatch(/^### From the record\n/);
    expect(note).toContain('Does feature_set v2 help?');
    expect(note).toMatch(/Session e-test, record so far: line 3, head [0-9a-f]{64}$/);
    expect(note.length).toBeLessThanOrEqual(5000);
    expect((await tag({ key: 'mlflow.note.content', value: undefined, overwrite: true })).text).toMatch(/^ALREADY_SET: /);
    expect((await tag({ key: 'team.note', value: undefined })).text).toMatch(/^NO_VALUE: /);
  });
});

test('search_dashboards names the panels that get_grafana_panel wants', async () => {
  const { data } = await ask('search_dashboards', { query: 'ranking' });
  expect(data['dashboards']).toEqual([
    expect.objectContaining({ uid: 'ads-features', panels: expect.arrayContaining([{ panel_id: '1', title: 'Feature distribution (mean)' }]) }),
  ]);
  expect((await ask('search_dashboards', { query: 'weather' })).data['dashboards']).toEqual([]);
});

describe('what labmate.json does not open', () => {
  const closed = async () => (await world.connect({ settings: { allow: { experiments: ['ads-rank-v2'], dashboards: ['other-*'] } } })).call;

  test('is read by no tool', async () => {
    const call = await closed();
    const run_id = best();
    for (const [tool, input] of [
      ['find_best_run', { experiment: 'ads-rank-v3', metric: 'val_f1' }],
      ['search_runs', { experiment: 'ads-rank-v3' }],
      ['search_runs', { experiment: '1' }],
      ['fetch_mlflow_run', { run_id }],
      ['compare_runs', { baseline_run_id: run_id, candidate_run_id: run_id }],
      ['get_metric_history', { run_id, metric: 'val_f1' }],
      ['diagnose_run', { run_id }],
      ['get_run_artifact', { run_id }],
      ['tag_run', { run_id, key: 'a', value: 'b' }],
      ['get_grafana_panel', { dashboard_uid: 'ads-features', panel_id: '1' }],
    ] as const) {
      const { text, failed } = await call(tool, input);
      expect([tool, failed, text]).toEqual([
        tool,
        true,
        expect.stringMatching(/^NOT_ALLOWED: The (experiment|dashboard) \S+ is not in allow\.(experiments|dashboards) of labmate\.json/),
      ]);
    }
  });

  test('is not listed either, only counted', async () => {
    const call = await closed();
    expect((await call('list_experiments', {})).data).toMatchObject({ experiments: [{ name: 'ads-rank-v2' }], omitted: 4 });
    expect((await call('search_dashboards', { query: '' })).data).toMatchObject({ dashboards: [], omitted: 1 });
    expect((await call('search_runs', { experiment: 'ads-rank-v22' })).text).not.toContain('ads-rank-v3');
  });
});

describe('earlier sessions', () => {
  test('a record tells prompt, outcome, events and head', async () => {
    const { data, text } = await ask('get_experiment_record', { session_id: 'e-test' });
    expect(data).toMatchObject({
      session_id: 'e-test',
      prompt: 'Does feature_set v2 help?',
      outcome: 'not ended',
      head: expect.stringMatching(/^[0-9a-f]{64}$/),
      omitted: 0,
    });
    expect(data['events'].map((e: { type: string }) => e.type)).toEqual(['opened', 'replied', 'call_parked']);
    expect(text).toContain('# Experiment e-test');
  });

  test('another team’s is answered like one that never was', async () => {
    const { call } = await world.connect({ facts: { team: 'T2' } });
    const [theirs, nobodys] = [await call('get_experiment_record', { session_id: 'e-test' }), await call('get_experiment_record', { session_id: 'e-none' })];
    expect(theirs.text).toBe(nobodys.text.replace('e-none', 'e-test'));
    expect((await call('get_approval', { confirmation_id: 's1/1' })).text).toMatch(/^SESSION_NOT_FOUND: /);
  });

  test('what somebody else asked for in direct messages is answered like one that never was', async () => {
    const before = world.services.sessions;
    world.services.sessions = async () => storedOf([{ ...opened(), channel: 'D7' }, replied(1)]);
    const [own, theirs, inChannel] = await Promise.all([
      world.connect({ facts: { requester: 'U1', channel: 'D7' } }),
      world.connect({ facts: { requester: 'U4', channel: 'D7' } }),
      world.connect({ facts: { requester: 'U1', channel: 'C0ML' } }),
    ]);
    expect((await own.call('get_experiment_record', { session_id: 'e-test' })).failed).toBe(false);
    for (const other of [theirs, inChannel]) expect((await other.call('get_experiment_record', { session_id: 'e-test' })).text).toMatch(/^SESSION_NOT_FOUND: /);
    world.services.sessions = before;
  });

  test('without a session it is not known whose may be read', async () => {
    const { call } = await world.connect({ session: false });
    expect((await call('get_approval', { confirmation_id: 's1/1' })).text).toMatch(/^NO_SESSION: /);
  });

  const asked = [opened(), replied(1, [{ id: 'c1', tool: 'run_databricks_job' }]), asks('c1')];
  test.each([
    ['pending', asked, {}],
    ['approved', [...asked, approved('c1')], { by: ['U2'], votes: 1 }],
    ['used', [...asked, approved('c1'), started('c1')], { by: ['U2'] }],
    ['denied', [...asked, denied('c1', 'U3', 'too dear')], { by: ['U3'], reason: 'too dear' }],
    ['expired', [opened(), replied(1, [{ id: 'c1', tool: 'run_databricks_job' }]), asks('c1', 's1/1', '2026-10-01T00:00:00.000Z')], {}],
  ] as const)('an approval that is %s says so', async (status, events, more) => {
    const before = world.services.sessions;
    world.services.sessions = async () => storedOf(events);
    const { data } = await ask('get_approval', { confirmation_id: 's1/1' });
    world.services.sessions = before;
    expect(data).toMatchObject({ confirmation_id: 's1/1', status, ...more });
  });
});
