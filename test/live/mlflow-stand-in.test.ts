import { afterAll, beforeAll, describe, expect, inject, test } from 'vitest';
import { openTraining } from '../../src/sandbox/launches.ts';
import { type MlflowStandIn, startMlflow } from '../../src/sandbox/mlflow.ts';

// The same requests to the real server and to our stand-in: what differs in status, kind, keys, types or words is a fault of the stand-in.

const real = inject('mlflow');
type Ids = { finished: string; running: string; nan: string; deleted: string; data: string };
type Call = { path: string; body?: unknown; raw?: string };

const NOBODY = 'f'.repeat(32);
const calls: Record<string, (ids: Ids) => Call> = {
  'an experiment by name': () => ({ path: 'experiments/get-by-name?experiment_name=ads-rank-v3' }),
  'no experiment of that name': () => ({ path: 'experiments/get-by-name?experiment_name=nope' }),
  'no name at all': () => ({ path: 'experiments/get-by-name' }),
  'an experiment by id': () => ({ path: 'experiments/get?experiment_id=1' }),
  'no experiment of that id': () => ({ path: 'experiments/get?experiment_id=987' }),
  'an id that is no number': () => ({ path: 'experiments/get?experiment_id=abc' }),
  'experiments without max_results': () => ({ path: 'experiments/search', body: {} }),
  'a first page of experiments': () => ({ path: 'experiments/search', body: { max_results: 1 } }),
  'experiments by GET': () => ({ path: 'experiments/search?max_results=1' }),
  'experiments by a filter that none passes': () => ({ path: 'experiments/search', body: { max_results: 5, filter: "name = 'x'" } }),
  'experiments by a pattern': () => ({ path: 'experiments/search', body: { max_results: 5, filter: "name ILIKE '%ADS-RANK-V3'" } }),
  'deleted experiments': () => ({ path: 'experiments/search', body: { max_results: 5, view_type: 'DELETED_ONLY' } }),
  'too many experiments': () => ({ path: 'experiments/search', body: { max_results: 50_001 } }),
  'a run nobody has': () => ({ path: `runs/get?run_id=${NOBODY}` }),
  'no run id': () => ({ path: 'runs/get' }),
  'no run passes the filter': () => ({ path: 'runs/search', body: { experiment_ids: ['1'], filter: "params.nothing = 'y'" } }),
  'runs of no experiment': () => ({ path: 'runs/search', body: {} }),
  'runs of an experiment nobody has': () => ({ path: 'runs/search', body: { experiment_ids: ['777'] } }),
  'runs with OR': () => ({ path: 'runs/search', body: { experiment_ids: ['1'], filter: "params.x = 'y' or params.x = 'z'" } }),
  'runs by a status in lower case': () => ({ path: 'runs/search', body: { experiment_ids: ['1'], filter: "attributes.status = 'finished'" } }),
  'a metric held against words': () => ({ path: 'runs/search', body: { experiment_ids: ['1'], filter: "metrics.val_f1 > 'a'" } }),
  'a parameter held against a number': () => ({ path: 'runs/search', body: { experiment_ids: ['1'], filter: 'params.seed = 1' } }),
  'more than 50,000 runs': () => ({ path: 'runs/search', body: { experiment_ids: ['1'], max_results: 50_001 } }),
  'no runs at all': () => ({ path: 'runs/search', body: { experiment_ids: ['1'], max_results: 0 } }),
  'fewer than no runs': () => ({ path: 'runs/search', body: { experiment_ids: ['1'], max_results: -1 } }),
  'a page token that is none': () => ({ path: 'runs/search', body: { experiment_ids: ['1'], page_token: 'zzz' } }),
  'a body that is no JSON': () => ({ path: 'runs/search', raw: '{' }),
  'a history': ({ finished }) => ({ path: `metrics/get-history?run_id=${finished}&metric_key=val_f1` }),
  'a first page of a history': ({ finished }) => ({ path: `metrics/get-history?run_id=${finished}&metric_key=val_f1&max_results=2` }),
  'a history with NaN': ({ nan }) => ({ path: `metrics/get-history?run_id=${nan}&metric_key=val_f1` }),
  'the history of a metric nobody logged': ({ finished }) => ({ path: `metrics/get-history?run_id=${finished}&metric_key=nope` }),
  'the history of a run nobody has': () => ({ path: `metrics/get-history?run_id=${NOBODY}&metric_key=val_f1` }),
  'the history of no metric': ({ finished }) => ({ path: `metrics/get-history?run_id=${finished}` }),
  'a tag': ({ finished }) => ({ path: 'runs/set-tag', body: { run_id: finished, key: 'live.probe', value: 'x' } }),
  'a tag with an odd name': ({ finished }) => ({ path: 'runs/set-tag', body: { run_id: finished, key: 'a?b', value: 'x' } }),
  'a tag with a long name': ({ finished }) => ({ path: 'runs/set-tag', body: { run_id: finished, key: 'a'.repeat(251), value: 'x' } }),
  'a tag with a long value': ({ finished }) => ({ path: 'runs/set-tag', body: { run_id: finished, key: 'live.long', value: 'x'.repeat(9000) } }),
  'a tag without a name': ({ finished }) => ({ path: 'runs/set-tag', body: { run_id: finished } }),
  'a tag that is a number': ({ finished }) => ({ path: 'runs/set-tag', body: { run_id: finished, key: 'n', value: 5 } }),
  'a tag of a deleted run': ({ deleted }) => ({ path: 'runs/set-tag', body: { run_id: deleted, key: 'live.probe', value: 'x' } }),
  'a tag of a run nobody has': () => ({ path: 'runs/set-tag', body: { run_id: NOBODY, key: 'live.probe', value: 'x' } }),
  'artifacts of a path that is not there': ({ data }) => ({ path: `artifacts/list?run_id=${data}&path=nope` }),
  'artifacts outside the run': ({ data }) => ({ path: `artifacts/list?run_id=${data}&path=..` }),
  'a file that is not there': ({ data }) => ({ path: `/get-artifact?run_id=${data}&path=nope.csv` }),
  'a file outside the run': ({ data }) => ({ path: `/get-artifact?run_id=${data}&path=../x` }),
  'a file of a run nobody has': () => ({ path: `/get-artifact?run_id=${NOBODY}&path=x` }),
  'a route nobody has': () => ({ path: 'nothing' }),
};

describe.skipIf(!real)('the MLflow stand-in', () => {
  let standIn: MlflowStandIn;
  let ours: Ids;
  let theirs: Ids;
  beforeAll(async () => {
    standIn = await startMlflow({ training: openTraining() });
    const named = (name: string) => standIn.runs().find((run) => run.name === name)!.runId;
    ours = { finished: named('sweep-00'), running: named('sweep-42'), nan: named('sweep-44'), deleted: named('sweep-45'), data: named('sweep-00') };
    const { runs } = real!;
    theirs = { finished: runs['v1-seed-1']!, running: runs['still-running']!, nan: runs['nan']!, deleted: runs['deleted']!, data: runs['with-data']! };
  });
  afterAll(() => standIn.close());

  test.each(Object.keys(calls))('answers as MLflow does: %s', async (name) => {
    const call = calls[name]!;
    expect(await ask(standIn.url, call(ours), ours)).toEqual(await ask(real!.url, call(theirs), theirs));
  });

  test.each([
    ['its facts and its numbers', 'finished', ['info', 'data']],
    ['while it runs', 'running', ['info']],
    ['after it was deleted', 'deleted', ['info']],
    ['with NaN', 'nan', ['info', 'data']],
    ['what went into it and came out', 'data', ['inputs', 'outputs']],
  ] as const)('shows a run as MLflow does: %s', async (_, which, parts) => {
    const shapes = async (url: string, id: string) => {
      const { run } = (await (await fetch(`${url}/api/2.0/mlflow/runs/get?run_id=${id}`)).json()) as { run: Record<string, unknown> };
      return [Object.keys(run).sort(), ...parts.map((part) => shapeOf(run[part]))];
    };
    expect(await shapes(standIn.url, ours[which])).toEqual(await shapes(real!.url, theirs[which]));
  });

  test('lists files as MLflow does: folders without a size, nothing below a file', async () => {
    const list = async (url: string, id: string, path: string) =>
      (await (await fetch(`${url}/api/2.0/mlflow/artifacts/list?run_id=${id}&path=${path}`)).json()) as { root_uri: string; files?: { is_dir: boolean }[] };
    const [top, below] = [await list(standIn.url, ours.data, ''), await list(real!.url, theirs.data, '')];
    const folder = (answer: typeof top) => shapeOf(answer.files?.find((f) => f.is_dir));
    expect(folder(top)).toEqual(folder(below));
    expect([typeof top.root_uri, top.root_uri.replaceAll(/[0-9a-f]{32}/g, 'RUN').replace(/\d+/, 'N')]).toEqual([
      'string',
      below.root_uri.replaceAll(/[0-9a-f]{32}/g, 'RUN').replace(/\d+/, 'N'),
    ]);
    const inFolder = [await list(standIn.url, ours.data, 'features'), await list(real!.url, theirs.data, 'reports')];
    expect(shapeOf(inFolder[0])).toEqual(shapeOf(inFolder[1]));
    const ofFile = [await list(standIn.url, ours.data, 'features/drift.csv'), await list(real!.url, theirs.data, 'distribution.csv')];
    expect(shapeOf(ofFile[0])).toEqual(shapeOf(ofFile[1]));
  });

  test('orders as MLflow does: NaN and runs without the metric last, either way', async () => {
    for (const direction of ['ASC', 'DESC']) {
      const lastOf = async (url: string) => {
        const body = JSON.stringify({ experiment_ids: ['1'], filter: "attributes.status != 'KILLED'", order_by: [`metrics.\`val_f1\` ${direction}`] });
        const answer = await fetch(`${url}/api/2.0/mlflow/runs/search`, { method: 'POST', headers: { 'content-type': 'application/json' }, body });
        const { runs } = (await answer.json()) as { runs: { data: { metrics?: { key: string; value: unknown }[] } }[] };
        const values = runs.map((run) => run.data.metrics?.find((m) => m.key === 'val_f1')?.value);
        const firstOdd = values.findIndex((v) => typeof v !== 'number');
        return { oddAtTheEnd: firstOdd > 0 && values.slice(firstOdd).every((v) => typeof v !== 'number') };
      };
      expect(await lastOf(standIn.url)).toEqual(await lastOf(real!.url));
    }
  });

  test.skipIf(!real?.guarded)('refuses a stranger as MLflow does', async () => {
    const locked = await startMlflow({ training: openTraining(), login: { username: 'u', password: 'p' } });
    const refused = async (url: string, headers: Record<string, string> = {}) => {
      const answer = await fetch(`${url}/api/2.0/mlflow/experiments/get?experiment_id=0`, { headers });
      const words = (await answer.text()).slice(0, 25);
      return { status: answer.status, words, asks: answer.headers.get('www-authenticate'), type: answer.headers.get('content-type')?.split(';')[0] };
    };
    expect(await refused(locked.url)).toEqual(await refused(real!.guarded!.url));
    const wrong = { authorization: `Basic ${Buffer.from('labmate:wrong').toString('base64')}` };
    expect(await refused(locked.url, wrong)).toEqual(await refused(real!.guarded!.url, wrong));
    await locked.close();
  });
});

/** Status, kind and, of JSON, its shape; of a refusal its very words, with ids and what is a matter of the data taken out. */
async function ask(url: string, { path, body, raw }: Call, ids: Ids) {
  const payload = raw ?? (body === undefined ? null : JSON.stringify(body));
  const answer = await fetch(path.startsWith('/') ? url + path : `${url}/api/2.0/mlflow/${path}`, {
    ...(payload === null ? {} : { method: 'POST', headers: { 'content-type': 'application/json' }, body: payload }),
  });
  const text = await answer.text();
  const type = answer.headers.get('content-type')?.split(';')[0];
  if (type !== 'application/json') return { status: answer.status, type };
  const json = JSON.parse(text) as Record<string, unknown>;
  if (!answer.ok)
    return {
      status: answer.status,
      json: JSON.parse(text.replaceAll(new RegExp(Object.values(ids).join('|'), 'g'), 'RUN').replaceAll(/'\d+\/RUN/g, "'N/RUN")),
    };
  return { status: answer.status, json: shapeOf(json) };
}

/** Keys with the kinds of their values; of a list, what all its entries are together. */
function shapeOf(value: unknown): unknown {
  if (Array.isArray(value)) return [...new Set(value.map((entry) => JSON.stringify(shapeOf(entry))))].sort();
  if (value === null || typeof value !== 'object') return value === 'NaN' ? 'NaN' : typeof value;
  return Object.fromEntries(
    Object.entries(value)
      .map(([key, v]) => [key, shapeOf(v)] as const)
      .sort(([a], [b]) => (a < b ? -1 : 1)),
  );
}
