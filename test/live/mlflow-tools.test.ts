import { afterAll, beforeAll, describe, expect, inject, test } from 'vitest';
import { mlflow } from '../../src/services/mlflow.ts';
import { aToolbox } from './a-toolbox.ts';

// Every MLflow tool as the model meets it, against a real tracking server that MLflow's own client has filled.

const real = inject('mlflow');

describe.skipIf(!real)('the MLflow tools against a real server', () => {
  const { runs = {}, experiments, url = '', noise, loss, digests } = real ?? {};
  const id = (name: string) => runs[name]!;
  let box: Awaited<ReturnType<typeof aToolbox>>;
  const call = (name: string, input: Record<string, unknown>) => box.call(name, input);
  beforeAll(async () => {
    box = await aToolbox({ mlflow: mlflow({ uri: url }) });
  });
  afterAll(() => box.close());

  /** Of the runs that load-runs.py wrote, those that may be the best: six of the ablation, the confounded one, the one that peaked, the one of a job. */
  const FAIR = 9;
  const tested = new Set<string>();
  const tool = (name: string) => {
    tested.add(name);
    return name;
  };

  describe(tool('find_best_run'), () => {
    test('is not fooled by nested, running, failed, killed, deleted, NaN and infinite runs', async () => {
      const { data, text } = await call('find_best_run', { experiment: 'ads-rank-v3', metric: 'val_f1' });
      expect(data).toMatchObject({ found: true, run_id: id('v2-seed-3'), value: 0.7371, considered: FAIR, ties: [], mode: 'max', mode_source: 'config' });
      expect(data['runner_up']).toMatchObject({ run_id: id('v2-seed-1'), value: 0.7342 });
      expect(text).toContain(`best of ${FAIR}`);
    });

    test('leaves out the candidate, and counts a nested one where asked', async () => {
      const without = await call('find_best_run', { experiment: 'ads-rank-v3', metric: 'val_f1', exclude_run_ids: [id('v2-seed-3'), '9007199254740993123'] });
      expect(without.data).toMatchObject({ run_id: id('v2-seed-1'), considered: FAIR - 2 });
      const nested = await call('find_best_run', { experiment: 'ads-rank-v3', metric: 'val_f1', include_children: true });
      expect(nested.data).toMatchObject({ run_id: id('nested-child'), value: 0.99, considered: FAIR + 1 });
    });

    test('finds the lowest, ties told, and by a filter', async () => {
      const lowest = await call('find_best_run', { experiment: '1', metric: 'val_loss' });
      expect(lowest.data).toMatchObject({ value: 0.725, mode: 'min', considered: 6 });
      expect(lowest.data['ties']).toHaveLength(5);
      const v1 = await call('find_best_run', { experiment: '1', metric: 'val_f1', filter: "params.feature_set = 'v1' and params.seed != '9'" });
      expect(v1.data).toMatchObject({ run_id: id('v1-seed-2'), value: 0.7126, considered: 3 });
    });

    test('finds by a metric with an odd name, in an experiment named by the end of its path', async () => {
      const odd = await call('find_best_run', { experiment: 'ctr-größe', metric: 'val/f1 score', mode: 'max' });
      expect(odd.data).toMatchObject({
        found: true,
        experiment: '/Shared/équipe/ctr-größe',
        run_id: id('Lauf – größer 🚀 | *bold* <b>'),
        value: 0.5,
        considered: 1,
      });
      const accented = await call('find_best_run', { experiment: 'ctr-größe', metric: 'système_été', mode: 'max' });
      expect(accented.data).toMatchObject({ found: true, value: 1.5 });
      const dotted = await call('find_best_run', { experiment: 'ctr-größe', metric: 'eval.top-5: acc', mode: 'max' });
      expect(dotted.data).toMatchObject({ found: true, value: 0.75 });
    });

    test('names what may have been meant, and what a filter is refused for', async () => {
      expect((await call('find_best_run', { experiment: 'ads-rank-v3', metric: 'val_fl' })).data).toMatchObject({ found: false, near_metrics: ['val_f1'] });
      expect((await call('find_best_run', { experiment: 'ads-rank-v33', metric: 'val_f1' })).data).toMatchObject({
        found: false,
        near_experiments: ['ads-rank-v3'],
      });
      expect((await call('find_best_run', { experiment: 'given-up', metric: 'val_f1' })).data).toMatchObject({ found: false });
      const nobody = await call('find_best_run', { experiment: '1', metric: 'val_f1', filter: "params.feature_set = 'v9'" });
      expect(nobody).toMatchObject({
        data: { found: false, outside_filter: FAIR },
        text: expect.stringContaining(`${FAIR} that would compete do not pass the filter`),
      });
      const refused = await call('find_best_run', { experiment: '1', metric: 'val_f1', filter: "params.seed = '1' or params.seed = '2'" });
      expect(refused).toMatchObject({ failed: true, text: expect.stringMatching(/^BAD_FILTER: .*Invalid clause/) });
    });
  });

  describe(tool('fetch_mlflow_run'), () => {
    test('gives last values with their steps, parameters, tags and data', async () => {
      const { data, text } = await call('fetch_mlflow_run', { run_id: id('with-data'), include: ['mlflow_tags'] });
      expect(data).toMatchObject({ run_name: 'with-data', experiment_id: experiments!.other, status: 'FINISHED', last_step: 3, non_finite: [] });
      expect(data['datasets']).toEqual(
        expect.arrayContaining([
          { name: 'ads.clicks', digest: digests![0], context: 'training' },
          { name: 'ads.clicks-eval', digest: digests![1], context: 'eval' },
        ]),
      );
      expect(data['tags']['mlflow.source.type']).toBe('LOCAL');
      expect(text).toContain(`${url}/#/experiments/${experiments!.other}/runs/${id('with-data')}`);
    });

    test('keeps odd names and values whole, and tables in one piece', async () => {
      const { data, text } = await call('fetch_mlflow_run', { run_id: id('Lauf – größer 🚀 | *bold* <b>') });
      expect(data['run_name']).toBe('Lauf – größer 🚀 | *bold* <b>');
      expect(data['metrics']).toEqual({ 'val/f1 score': 0.5, 'eval.top-5: acc': 0.75, système_été: 1.5, 'negative step': 4, 'same step': 2 });
      expect(data['params']).toMatchObject({ größe: 'ünïcode ✓', lines: 'a\nb\tc' });
      expect(data['params']['long'].length).toBeLessThanOrEqual(200);
      expect(data['tags']).toMatchObject({ "quote's": 'both "kinds"' });
      for (const line of text.split('\n').filter((l) => l.startsWith('|'))) expect(line.replaceAll('\\|', '').split('|')).toHaveLength(5);
    });

    test.each([
      ['nan', 'val_f1', 'NaN'],
      ['infinite', 'val_f1', 'Infinity'],
      ['infinite', 'val_loss', '-Infinity'],
    ])('of the run "%s" says that %s is %s', async (name, metric, word) => {
      const { data } = await call('fetch_mlflow_run', { run_id: id(name) });
      expect(data['metrics'][metric]).toBe(word);
      expect(data['non_finite']).toContain(metric);
    });

    test.each([
      ['still-running', 'RUNNING'],
      ['failed', 'FAILED'],
      ['killed', 'KILLED'],
    ])('says of the run "%s" that it is %s', async (name, status) => {
      expect((await call('fetch_mlflow_run', { run_id: id(name) })).data).toMatchObject({ status });
    });

    test('shows a deleted run as deleted, an empty one as empty, and finds one by its job run', async () => {
      expect((await call('fetch_mlflow_run', { run_id: id('deleted') })).data).toMatchObject({ deleted: true });
      expect((await call('fetch_mlflow_run', { run_id: id('empty') })).data).toMatchObject({ metrics: {}, params: {}, datasets: [] });
      expect((await call('fetch_mlflow_run', { run_id: '9007199254740993123' })).data).toMatchObject({
        run_id: id('logged-by-a-job'),
        metrics: { val_f1: 0.725 },
      });
      expect(await call('fetch_mlflow_run', { run_id: 'f'.repeat(32) })).toMatchObject({ failed: true, text: expect.stringMatching(/^RUN_NOT_FOUND/) });
    });
  });

  describe(tool('compare_runs'), () => {
    const ablation = { primary_metric: 'val_f1', threshold: { value: 1 }, expected_changes: ['feature_set'] };

    test('rules the ablation improved, with noise as SciPy works it out from the same runs', async () => {
      const { data } = await call('compare_runs', { baseline_run_id: id('v1-seed-2'), candidate_run_id: id('v2-seed-2'), ...ablation });
      expect(data['primary']).toMatchObject({
        verdict: 'improved',
        baseline: 0.7126,
        candidate: 0.7305,
        delta: 0.0179,
        direction: 'max',
        direction_source: 'config',
      });
      expect(data['primary']['delta_pct']).toBeCloseTo((100 * 179) / 7126, 9);
      expect(data['params']['changed']).toEqual([{ key: 'feature_set', baseline: 'v1', candidate: 'v2' }]);
      expect(data['noise']).toMatchObject({ n_baseline: 3, n_candidate: 3 });
      const close = (ours: number, theirs: number) => expect(Math.abs(ours - theirs)).toBeLessThan(1e-9);
      close(data['noise']['mean']['baseline'], noise!.mean[0]);
      close(data['noise']['mean']['candidate'], noise!.mean[1]);
      close(data['noise']['std']['baseline'], noise!.std[0]);
      close(data['noise']['std']['candidate'], noise!.std[1]);
      close(data['noise']['welch_p'], noise!.welch_p);
      close(data['noise']['ci95'][0], noise!.ci95[0]);
      close(data['noise']['ci95'][1], noise!.ci95[1]);
      expect(data['curve']['baseline']).toHaveLength(20);
    });

    test('says that more changed than meant: another parameter, other code, fewer steps, a nested baseline', async () => {
      const { data } = await call('compare_runs', { baseline_run_id: id('nested-child'), candidate_run_id: id('confounded'), ...ablation });
      expect(data['primary']).toMatchObject({ verdict: 'regressed' });
      const warnings = data['warnings'].join('\n');
      for (const words of [/learning_rate/, /commit/, /steps/, /nested/]) expect(warnings).toMatch(words);
    });

    test.each(['nan', 'infinite'])('is inconclusive against the run "%s"', async (name) => {
      const { data } = await call('compare_runs', { baseline_run_id: id('v1-seed-1'), candidate_run_id: id(name), ...ablation });
      expect(data['primary']['verdict']).toBe('inconclusive');
      expect(data['primary']['delta']).toBeNull();
    });

    test('tells a run that ended below its best, and one that is not finished', async () => {
      const peaked = await call('compare_runs', { baseline_run_id: id('v1-seed-1'), candidate_run_id: id('peaked'), ...ablation });
      expect(peaked.data['primary']).toMatchObject({ verdict: 'regressed', candidate: 0.68 });
      expect(peaked.data['metrics'].find((m: { key: string }) => m.key === 'val_f1')['best_candidate']).toMatchObject({ value: 0.705, step: 10 });
      const best = await call('compare_runs', { baseline_run_id: id('v1-seed-1'), candidate_run_id: id('peaked'), ...ablation, aggregate: 'best' });
      expect(best.data['primary']).toMatchObject({ candidate: 0.705, verdict: 'within_threshold' });
      const unfinished = await call('compare_runs', { baseline_run_id: id('v1-seed-1'), candidate_run_id: id('still-running'), ...ablation });
      expect(unfinished.data['warnings'].join('\n')).toMatch(/RUNNING/);
    });

    test('takes runs of two experiments, one with ten thousand points, and fits its answer', async () => {
      const asked = { baseline_run_id: id('ten-thousand'), candidate_run_id: id('diverging'), primary_metric: 'train_loss', direction: 'min' };
      const { data } = await call('compare_runs', asked);
      expect(data['primary']).toMatchObject({ verdict: expect.any(String), baseline: loss!.last });
      expect(data['curve']['baseline'].length).toBeLessThanOrEqual(20);
      expect(JSON.stringify(data).length).toBeLessThan(9000);
    });
  });

  describe(tool('search_runs'), () => {
    test('lists by filter and order, page by page', async () => {
      const asked = { experiment: 'ads-rank-v3', filter: "params.seed = '1' and params.learning_rate = '0.01'", order_by: 'val_f1 desc', limit: 1 };
      const first = await call('search_runs', asked);
      expect(first.data['runs']).toEqual([
        expect.objectContaining({ run_id: id('v2-seed-1'), status: 'FINISHED', metrics: { val_f1: 0.7342, val_loss: 0.725 } }),
      ]);
      const second = await call('search_runs', { ...asked, cursor: first.data['next_cursor'] });
      expect(second.data['runs']).toEqual([expect.objectContaining({ run_id: id('v1-seed-1') })]);
    });

    test('shows all that lives, with NaN as a word, and sorts by an odd name', async () => {
      const all = await call('search_runs', { experiment: 'ads-rank-v3', limit: 50 });
      const names = all.data['runs'].map((run: { name: string }) => run.name);
      expect(names).toHaveLength(17);
      expect(names).not.toContain('deleted');
      expect(all.data['runs'].find((run: { name: string }) => run.name === 'nan').metrics).toEqual({ val_f1: 'NaN' });
      const odd = await call('search_runs', { experiment: 'ctr-größe', order_by: 'metrics.val/f1 score DESC', limit: 1 });
      expect(odd.data['runs'][0]).toMatchObject({ run_id: id('Lauf – größer 🚀 | *bold* <b>') });
    });

    test('says that an order by what no run has is none, and takes several keys and names of its own', async () => {
      const typo = await call('search_runs', { experiment: '1', order_by: 'val_fl DESC', limit: 5 });
      expect(typo).toMatchObject({ failed: false, data: { unordered_by: ['metrics.val_fl'] }, text: expect.stringContaining('They have val_f1') });
      const several = await call('search_runs', {
        experiment: '1',
        filter: "params.learning_rate = '0.01'",
        order_by: 'params.feature_set desc, val_f1',
        limit: 3,
      });
      expect(several.data['runs'].map((run: { name: string }) => run.name)).toEqual(['v2-seed-2', 'v2-seed-1', 'v2-seed-3']);
      const own = await call('search_runs', { experiment: '1', order_by: 'created DESC', limit: 1 });
      expect(own).toMatchObject({ failed: false, data: { runs: [expect.objectContaining({ name: 'empty' })] } });
    });

    test('explains a filter, an order or a cursor that MLflow refuses', async () => {
      for (const wrong of [{ filter: 'seed == 1' }, { order_by: 'attributes.nonsense' }, { cursor: 'zzz' }]) {
        expect(await call('search_runs', { experiment: '1', ...wrong })).toMatchObject({ failed: true, text: expect.stringMatching(/^BAD_FILTER: .*Next: /) });
      }
    });
  });

  test(`${tool('list_experiments')} lists what is there, by a part of the name too, and nothing deleted`, async () => {
    const all = await call('list_experiments', {});
    expect(all.data['experiments'].map((e: { name: string }) => e.name).sort()).toEqual(['/Shared/équipe/ctr-größe', 'Default', 'ads-rank-v3']);
    expect((await call('list_experiments', { name: 'ADS-' })).data['experiments']).toEqual([{ experiment_id: '1', name: 'ads-rank-v3' }]);
    expect((await call('list_experiments', { name: 'größe' })).data['experiments']).toHaveLength(1);
  });

  describe(tool('get_metric_history'), () => {
    test('reads ten thousand points, and keeps first, last, lowest and highest of them', async () => {
      const { data, text } = await call('get_metric_history', { run_id: id('ten-thousand'), metric: 'train_loss', samples: 50 });
      expect(data).toMatchObject({ total: 10_000, downsampled: true, omitted: 9_950 });
      const values = data['points'].map((p: { value: number }) => p.value);
      expect([values[0], values.at(-1), Math.min(...values), Math.max(...values)]).toEqual([loss!.first, loss!.last, loss!.min, loss!.max]);
      expect(text).toContain('highest 9.5 at step 7777');
    });

    test('takes a part by steps, odd names, negative steps, two values at one step', async () => {
      const part = await call('get_metric_history', { run_id: id('ten-thousand'), metric: 'train_loss', min_step: 7770, max_step: 7779 });
      expect(part.data).toMatchObject({ total: 10, downsampled: false });
      const odd = await call('get_metric_history', { run_id: id('Lauf – größer 🚀 | *bold* <b>'), metric: 'val/f1 score' });
      expect(odd.data['points'].map((p: { step: number; value: number }) => [p.step, p.value])).toEqual([
        [0, 0.25],
        [1, 0.5],
      ]);
      const negative = await call('get_metric_history', { run_id: id('Lauf – größer 🚀 | *bold* <b>'), metric: 'negative step' });
      expect(negative.data['points'].map((p: { step: number }) => p.step)).toEqual([-1, 0]);
      expect((await call('get_metric_history', { run_id: id('Lauf – größer 🚀 | *bold* <b>'), metric: 'same step' })).data['total']).toBe(2);
    });

    test('has NaN as a word, and names what may have been meant', async () => {
      expect((await call('get_metric_history', { run_id: id('nan'), metric: 'val_f1' })).data).toMatchObject({ total: 20, non_finite: 1 });
      expect(await call('get_metric_history', { run_id: id('nan'), metric: 'val_fl' })).toMatchObject({
        failed: true,
        text: expect.stringContaining('val_f1'),
      });
    });
  });

  test(`${tool('diagnose_run')} judges how a training went`, async () => {
    expect((await call('diagnose_run', { run_id: id('ten-thousand') })).data).toMatchObject({ trend: 'converging', loss: 'train_loss' });
    expect((await call('diagnose_run', { run_id: id('diverging') })).data).toMatchObject({ trend: 'diverging' });
    expect((await call('diagnose_run', { run_id: id('v1-seed-1') })).data).toMatchObject({ trend: 'converging', loss: 'val_loss' });
    expect(await call('diagnose_run', { run_id: id('no-metrics') })).toMatchObject({ failed: true, text: expect.stringMatching(/^NO_LOSS/) });
  });

  describe(tool('get_run_artifact'), () => {
    const look = (path?: string, more = {}) => call('get_run_artifact', { run_id: id('with-data'), ...(path === undefined ? {} : { path }), ...more });

    test('lists files and folders', async () => {
      expect((await look()).data['files']).toEqual([
        { path: 'big.txt', is_dir: false, size: 300_000 },
        { path: 'distribution.csv', is_dir: false, size: 22 },
        { path: 'odd & more+ é.txt', is_dir: false, size: 20 },
        { path: 'pictures', is_dir: true },
        { path: 'reports', is_dir: true },
      ]);
      expect((await look('reports/')).data['files']).toEqual([{ path: 'reports/données été.json', is_dir: false, size: expect.any(Number) }]);
      expect((await call('get_run_artifact', { run_id: id('v1-seed-1') })).text).toContain('left no files');
    });

    test('shows text, whatever the file is called', async () => {
      expect((await look('distribution.csv')).data).toMatchObject({ media_type: 'text/csv', text: 'feature,count\na,1\nb,2\n', truncated: false });
      expect((await look('odd & more+ é.txt')).data['text']).toBe('percent 100% & more\n');
      expect(JSON.parse((await look('reports/données été.json')).data['text'])).toEqual({ größe: [1, 2, 3] });
    });

    test('puts a picture into the thread', async () => {
      const { images, data } = await look('pictures/dot.png');
      expect(data['media_type']).toBe('image/png');
      expect(images).toEqual([{ mimeType: 'image/png', data: expect.stringMatching(/^iVBORw0KGgo/) }]);
    });

    test('only names what is too large, and says what is not there', async () => {
      expect((await look('big.txt')).data).toMatchObject({ truncated: true, omitted: 1, size: 300_000 });
      expect(await look('nope.csv')).toMatchObject({ failed: true, text: expect.stringMatching(/^ARTIFACT_NOT_FOUND: .*distribution\.csv/) });
      expect(await look('../../x')).toMatchObject({ failed: true, text: expect.stringMatching(/^BAD_PATH/) });
    });
  });

  test(`${tool('tag_run')} asks first, then sets a tag that MLflow keeps to the letter, once`, async () => {
    const value = 'naïve – 日本語\nzweite Zeile *bold*';
    const tagged = await call('tag_run', { run_id: id('v2-seed-3'), key: 'team/note 1', value });
    expect(tagged).toMatchObject({ asked: true, failed: false, data: { status: 'tagged' } });
    expect((await mlflow({ uri: url }).getRun(id('v2-seed-3'))).tags['team/note 1']).toBe(value);
    expect(await call('tag_run', { run_id: id('v2-seed-3'), key: 'team/note 1', value: 'other' })).toMatchObject({
      failed: true,
      text: expect.stringMatching(/^TAG_EXISTS/),
    });
    expect(await call('tag_run', { run_id: id('v2-seed-3'), key: 'mlflow.note.content', value: '# What came of it' })).toMatchObject({ failed: false });
    expect(await call('tag_run', { run_id: id('deleted'), key: 'note', value: 'x' })).toMatchObject({ failed: true });
  });

  test('no tool that reads or writes MLflow goes untested here', () => {
    const untouched = box.names.filter((name) => !tested.has(name));
    // These work without a backend, or on sessions.
    expect(untouched.filter((name) => !/^(ask_person|get_experiment_record|get_approval)$/.test(name))).toEqual([]);
  });
});
