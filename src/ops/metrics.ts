/** A figure, or one for each set of labels. Names carry their unit and end in `_total` for counters, as Prometheus has it. */
export type Metric = {
  name: string;
  help: string;
  type: 'counter' | 'gauge';
  values: number | readonly { labels: Record<string, string>; value: number }[];
};

/** Metrics in Prometheus' text exposition format 0.0.4. */
export function exposition(metrics: readonly Metric[]): string {
  return metrics
    .map(({ name, help, type, values }) => {
      const all = typeof values === 'number' ? [{ labels: {}, value: values }] : values;
      const lines = all.map(({ labels, value }) => `${name}${labelText(labels)} ${number(value)}`);
      return [`# HELP ${name} ${help.replaceAll('\\', '\\\\').replaceAll('\n', '\\n')}`, `# TYPE ${name} ${type}`, ...lines, ''].join('\n');
    })
    .join('');
}

/** A counter for each set of labels that is ever counted. */
export function createCounter(name: string, help: string): { add(labels?: Record<string, string>, by?: number): void; metric(): Metric } {
  const counts = new Map<string, { labels: Record<string, string>; value: number }>();
  return {
    add(labels = {}, by = 1) {
      const key = JSON.stringify(Object.entries(labels).sort());
      const count = counts.get(key) ?? { labels, value: 0 };
      counts.set(key, { ...count, value: count.value + by });
    },
    metric: () => ({ name, help, type: 'counter', values: [...counts.values()] }),
  };
}

function labelText(labels: Record<string, string>): string {
  const pairs = Object.entries(labels).map(([k, v]) => `${k}="${v.replaceAll('\\', '\\\\').replaceAll('"', '\\"').replaceAll('\n', '\\n')}"`);
  return pairs.length > 0 ? `{${pairs.join(',')}}` : '';
}

function number(value: number): string {
  if (Number.isNaN(value)) return 'NaN';
  return value === Infinity ? '+Inf' : value === -Infinity ? '-Inf' : String(value);
}
