/** A dashboard's template variables, as its JSON has them. */
export type DashboardVariable = {
  name: string;
  current?: { value?: unknown } | undefined;
  allValue?: string | null | undefined;
  options?: { value?: unknown }[] | undefined;
};

export type TimeRange = { from: number; to: number; intervalMs: number };

/** The value of each variable: what the caller chose, else what the dashboard was saved with. */
export function variableValues(variables: readonly DashboardVariable[], chosen: Readonly<Record<string, string>>): Record<string, string[]> {
  const values: Record<string, string[]> = {};
  for (const variable of variables) {
    const saved = listOf(variable.current?.value);
    values[variable.name] = saved.includes('$__all') ? everyValue(variable) : saved;
  }
  for (const [name, value] of Object.entries(chosen)) values[name] = [value];
  return values;
}

/**
 * Fills $name, ${name}, ${name:format} and [[name]] in every string of a query, and Grafana's own $__interval, $__range and their kin: the
 * query API expects them filled in. Macros it knows itself, such as $__timeFilter(), are left alone.
 */
export function interpolate<T>(query: T, values: Readonly<Record<string, readonly string[]>>, range: TimeRange, datasourceType: string | null): T {
  if (typeof query === 'string') return fill(query, { ...values, ...builtIn(range) }, datasourceType) as T;
  if (Array.isArray(query)) return query.map((part) => interpolate(part, values, range, datasourceType)) as T;
  if (typeof query !== 'object' || query === null) return query;
  return Object.fromEntries(Object.entries(query).map(([key, part]) => [key, interpolate(part, values, range, datasourceType)])) as T;
}

function fill(text: string, values: Record<string, readonly string[]>, datasourceType: string | null): string {
  return text.replace(/\$(\w+)|\$\{(\w+)(?::(\w+))?\}|\[\[(\w+)\]\]/g, (all, bare?: string, braced?: string, format?: string, old?: string) => {
    const found = values[bare ?? braced ?? old ?? ''];
    return found ? join(found, format ?? null, datasourceType) : all;
  });
}

function join(values: readonly string[], format: string | null, datasourceType: string | null): string {
  if (format === 'csv' || format === 'raw') return values.join(',');
  if (format === 'pipe') return values.join('|');
  const matchesByRegex = format === 'regex' || (format === null && (datasourceType === 'prometheus' || datasourceType === 'loki'));
  if (values.length === 1 && format !== 'regex') return values[0] ?? '';
  // ".*" stands for "all" and is a pattern already.
  if (matchesByRegex) return values.length === 1 && values[0] === '.*' ? '.*' : `(${values.map((v) => v.replace(/[.*+?^${}()|[\]\\/]/g, '\\$&')).join('|')})`;
  return `{${values.join(',')}}`;
}

function builtIn({ from, to, intervalMs }: TimeRange): Record<string, readonly string[]> {
  const seconds = Math.max(1, Math.round(intervalMs / 1000));
  const rangeS = Math.round((to - from) / 1000);
  return {
    __interval: [`${seconds}s`],
    __interval_ms: [String(intervalMs)],
    // Four scrapes of the usual 15 s: the least over which a rate means something.
    __rate_interval: [`${Math.max(seconds + 15, 60)}s`],
    __range: [`${rangeS}s`],
    __range_s: [String(rangeS)],
    __range_ms: [String(to - from)],
    __from: [String(from)],
    __to: [String(to)],
  };
}

function everyValue(variable: DashboardVariable): string[] {
  if (variable.allValue) return [variable.allValue];
  const all = (variable.options ?? []).flatMap((o) => listOf(o.value)).filter((v) => v !== '$__all');
  return all.length ? all : ['.*'];
}

function listOf(value: unknown): string[] {
  return (Array.isArray(value) ? value : [value]).filter((v) => typeof v === 'string' || typeof v === 'number').map(String);
}
