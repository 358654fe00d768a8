import type { Run } from '../../src/analysis/run.ts';

type Sketch = Partial<Omit<Run, 'metrics'>> & { metrics?: Record<string, number | { value: number; step: number }> };

/** A finished run of one experiment; say only what matters. */
export function run(runId: string, sketch: Sketch = {}): Run {
  const metrics = Object.entries(sketch.metrics ?? {}).map(([key, m]) => [key, typeof m === 'number' ? { value: m, step: 19 } : m] as const);
  return {
    runId,
    name: `run ${runId}`,
    experimentId: '1',
    status: 'FINISHED',
    deleted: false,
    startedAt: 1_790_000_000_000,
    endedAt: 1_790_000_060_000,
    params: {},
    tags: {},
    datasets: [],
    ...sketch,
    metrics: Object.fromEntries(metrics),
  };
}
