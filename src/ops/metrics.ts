/** A figure, or one for each set of labels. Names carry their unit and end in `_total` for counters, as Prometheus has it. */
export type Metric = { name: string; help: string } & (
  | { type: 'counter' | 'gauge'; values: number | readonly Labelled<number>[] }
  | { type: 'histogram'; values: readonly Labelled<Distribution>[] }
);

type Labels = Record<string, string>;
type Labelled<T> = { labels: Labels; value: T };
/** `counts[i]` is how many were at most `bounds[i]`; `count` is all of them. */
type Distribution = { bounds: readonly number[]; counts: readonly number[]; sum: number; count: number };

/** Metrics in Prometheus' text exposition format 0.0.4. */
export function exposition(metrics: readonly Metric[]): string {
  return metrics
    .map((metric) => {
      const { name, help, type } = metric;
      return [`# HELP ${name} ${help.replaceAll('\\', '\\\\').replaceAll('\n', '\\n')}`, `# TYPE ${name} ${type}`, ...linesOf(metric), ''].join('\n');
    })
    .join('');
}

function linesOf(metric: Metric): string[] {
  const { name } = metric;
  if (metric.type !== 'histogram') {
    const all = typeof metric.values === 'number' ? [{ labels: {}, value: metric.values }] : metric.values;
    return all.map(({ labels, value }) => `${name}${labelText(labels)} ${number(value)}`);
  }
  return metric.values.flatMap(({ labels, value: { bounds, counts, sum, count } }) => [
    ...bounds.map((bound, i) => `${name}_bucket${labelText({ ...labels, le: number(bound) })} ${counts[i] ?? 0}`),
    `${name}_bucket${labelText({ ...labels, le: '+Inf' })} ${count}`,
    `${name}_sum${labelText(labels)} ${number(sum)}`,
    `${name}_count${labelText(labels)} ${count}`,
  ]);
}

/** A counter for each set of labels that is ever counted. */
export function createCounter(name: string, help: string): { add(labels?: Labels, by?: number): void; metric(): Metric } {
  const counts = new Map<string, Labelled<number>>();
  return {
    add(labels = {}, by = 1) {
      const key = keyOf(labels);
      const count = counts.get(key);
      if (count) count.value += by;
      else counts.set(key, { labels, value: by });
    },
    metric: () => ({ name, help, type: 'counter', values: [...counts.values()].map((each) => ({ ...each })) }),
  };
}

/** How long things took, in seconds, for each set of labels that is ever seen. */
export function createHistogram(name: string, help: string, bounds: readonly number[]): { seen(seconds: number, labels?: Labels): void; metric(): Metric } {
  const all = new Map<string, { labels: Labels; counts: number[]; sum: number; count: number }>();
  return {
    seen(seconds, labels = {}) {
      const key = keyOf(labels);
      const one = all.get(key) ?? { labels, counts: bounds.map(() => 0), sum: 0, count: 0 };
      all.set(key, one);
      for (let i = bounds.length - 1; i >= 0 && seconds <= (bounds[i] ?? 0); i--) one.counts[i] = (one.counts[i] ?? 0) + 1;
      one.sum += seconds;
      one.count += 1;
    },
    metric: () => ({ name, help, type: 'histogram', values: [...all.values()].map(({ labels, ...value }) => ({ labels, value: { bounds, ...value } })) }),
  };
}

function keyOf(labels: Labels): string {
  let key = '';
  for (const name of Object.keys(labels).sort()) key += `${name}\u0000${labels[name]}\u0000`;
  return key;
}

function labelText(labels: Labels): string {
  const pairs = Object.entries(labels).map(([k, v]) => `${k}="${v.replaceAll('\\', '\\\\').replaceAll('"', '\\"').replaceAll('\n', '\\n')}"`);
  return pairs.length > 0 ? `{${pairs.join(',')}}` : '';
}

function number(value: number): string {
  if (Number.isNaN(value)) return 'NaN';
  return value === Infinity ? '+Inf' : value === -Infinity ? '-Inf' : String(value);
}
