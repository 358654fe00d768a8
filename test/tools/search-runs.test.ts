import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { openTraining } from '../../src/sandbox/launches.ts';
import { type MlflowStandIn, startMlflow } from '../../src/sandbox/mlflow.ts';
import { mlflow } from '../../src/services/mlflow.ts';
import type { ToolContext } from '../../src/tools/define-tool.ts';
import { searchRuns } from '../../src/tools/search-runs.ts';

let server: MlflowStandIn;
beforeAll(async () => {
  server = await startMlflow({ training: openTraining() });
});
afterAll(() => server.close());

async function search(input: Record<string, unknown>) {
  const ctx: ToolContext = {
    services: { mlflow: mlflow({ uri: server.url }) },
    settings: { defaults: {}, metrics: {}, thresholdReading: 'relative', recordsPath: 'experiments', environments: {} },
    session: null,
    signal: new AbortController().signal,
    now: Date.now,
  };
  const answer = await searchRuns.run(searchRuns.input.parse({ experiment: 'ads-rank-v3', ...input }) as never, ctx);
  return { text: answer.text, data: answer.data as { runs: { name: string; metrics: Record<string, unknown> }[]; unordered_by?: string[] } };
}

describe('an order', () => {
  test('by a metric that no run has is no order, and says so: MLflow gives the newest runs without a word', async () => {
    const { text, data } = await search({ order_by: 'val_fl DESC', limit: 3 });
    expect(data.unordered_by).toEqual(['metrics.val_fl']);
    expect(text).toContain('None of these runs has metrics.val_fl, so they are not ordered by it. They have val_f1. Ask whether that is meant.');
  });

  test('by a metric that some have says nothing of the kind', async () => {
    const { text, data } = await search({ order_by: 'val_f1 desc', limit: 3 });
    expect(data.unordered_by).toBeUndefined();
    expect(text).not.toContain('not ordered');
  });

  test.each([
    ['created ASC', 'sweep-00'],
    ['run_name', 'ads-train-v1-'],
    ['attributes.`start_time` asc', 'sweep-00'],
  ])("takes MLflow's own names: %s", async (order_by, first) => {
    const { data } = await search({ order_by, limit: 1 });
    expect(data.runs[0]!.name).toContain(first);
    expect(data.unordered_by).toBeUndefined();
  });

  test('may have several keys', async () => {
    const { data } = await search({ order_by: 'params.feature_set desc, metrics.`val_f1` asc', limit: 2 });
    expect(data.unordered_by).toBeUndefined();
    const [first, second] = data.runs;
    expect(first!.metrics['val_f1'] as number).toBeLessThan(second!.metrics['val_f1'] as number);
  });
});
