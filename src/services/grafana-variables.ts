/** A dashboard's template variables, as its JSON has them. */
export type DashboardVariable = {
  name: string;
  type?: string | undefined;
  multi?: boolean | null | undefined;
  includeAll?: boolean | null | undefined;
  current?: { value?: unknown } | undefined;
  allValue?: string | null | undefined;
  options?: { value?: unknown }[] | undefined;
};

/** What to fill in. `list`: it may be several, so it is written as a list even where it is one. `asIs`: a dashboard's own word for "all", written in the query's language already. */
export type Filling = { of: readonly string[]; list?: boolean; asIs?: boolean };

export type TimeRange = { from: number; to: number; intervalMs: number };

const ALL = '$__all';

/** The value of each variable: what the caller chose, else what the dashboard was saved with. */
export function variableValues(variables: readonly DashboardVariable[], chosen: Readonly<Record<string, string>>): Record<string, Filling> {
  return Object.fromEntries(
    variables.map((variable) => {
      const given = Object.hasOwn(chosen, variable.name) ? chosen[variable.name] : variable.current?.value;
      return [variable.name, fillingOf(variable, listOf(given))];
    }),
  );
}

/**
 * The values that a dashboard itself names for a variable; `only`: it takes no others. A saved dashboard need not hold what a query would list.
 */
export function namedValues({ type, includeAll, options, current }: DashboardVariable): { values: string[]; only: boolean } {
  const listed = (options ?? []).flatMap((o) => listOf(o.value));
  const values = [...new Set([...(includeAll ? [ALL] : []), ...listed, ...listOf(current?.value)])];
  return { values, only: (type === 'custom' || includeAll === true) && listed.some((v) => v !== ALL) };
}

/**
 * Fills $name, ${name}, ${name:format} and [[name]] in every string of a query, and Grafana's own $__interval, $__range and their kin: the
 * query API expects them filled in. Macros it knows itself, such as $__timeFilter(), are left alone.
 */
export function interpolate<T>(query: T, values: Readonly<Record<string, Filling>>, range: TimeRange, datasourceType: string | null): T {
  if (typeof query === 'string') return fill(query, { ...values, ...builtIn(range) }, datasourceType) as T;
  if (Array.isArray(query)) return query.map((part) => interpolate(part, values, range, datasourceType)) as T;
  if (typeof query !== 'object' || query === null) return query;
  return Object.fromEntries(Object.entries(query).map(([key, part]) => [key, interpolate(part, values, range, datasourceType)])) as T;
}

function fill(text: string, values: Record<string, Filling>, datasourceType: string | null): string {
  return text.replace(/\$(\w+)|\$\{(\w+)(?::(\w+))?\}|\[\[(\w+)\]\]/g, (all, bare?: string, braced?: string, format?: string, old?: string) => {
    const name = bare ?? braced ?? old ?? '';
    const found = Object.hasOwn(values, name) ? values[name] : undefined;
    if (!found) return all;
    if (found.asIs) return found.of.join(',');
    return format === undefined ? written(found, datasourceType) : (FORMATS[format] ?? glob)(found.of);
  });
}

/** The formats that a dashboard may ask for, as Grafana's formatRegistry.ts writes them. */
const FORMATS: Record<string, (values: readonly string[]) => string> = {
  csv: (values) => values.join(','),
  raw: (values) => values.join(','),
  pipe: (values) => values.join('|'),
  regex: (values) => oneOf(values.map(inRegex)),
  sqlstring: sqlList,
  singlequote: (values) => values.map((v) => `'${v.replaceAll("'", "\\'")}'`).join(','),
  doublequote: (values) => values.map((v) => `"${v.replaceAll('"', '\\"')}"`).join(','),
};

/** Without a format each data source's plugin writes its own language: packages/grafana-sql, grafana-prometheus and the plugins for Loki and InfluxDB, in Grafana's sources. */
function written({ of, list = of.length > 1 }: Filling, datasourceType: string | null): string {
  switch (datasourceType) {
    case 'postgres':
    case 'grafana-postgresql-datasource':
    case 'mysql':
    case 'mssql':
      return list ? sqlList(of) : of.map(inSql).join(',');
    case 'prometheus':
    case 'grafana-amazonprometheus-datasource':
    case 'grafana-azureprometheus-datasource':
      return list ? oneOf(of.map((v) => inString(inRegex(v)))) : of.map(inString).join(',');
    case 'loki':
      return of.map((v) => inString(list ? inRegex(v) : v)).join('|');
    case 'influxdb':
      return list ? oneOf(of.map(inRegex)) : of.join(',');
    default:
      return glob(of);
  }
}

function glob(values: readonly string[]): string {
  return values.length === 1 ? (values[0] ?? '') : `{${values.join(',')}}`;
}

function oneOf(patterns: readonly string[]): string {
  return patterns.length === 1 ? (patterns[0] ?? '') : `(${patterns.join('|')})`;
}

function sqlList(values: readonly string[]): string {
  return values.map((v) => `'${inSql(v)}'`).join(',');
}

function inSql(value: string): string {
  return value.replaceAll("'", "''");
}

function inRegex(value: string): string {
  return value.replace(/[.*+?^${}()|[\]\\/]/g, '\\$&');
}

/** In a string of PromQL or LogQL, which stands in double quotes. */
function inString(value: string): string {
  return value.replace(/["\\]/g, '\\$&');
}

function builtIn({ from, to, intervalMs }: TimeRange): Record<string, Filling> {
  const seconds = Math.max(1, Math.round(intervalMs / 1000));
  const rangeS = Math.round((to - from) / 1000);
  const values = {
    __interval: `${seconds}s`,
    __interval_ms: intervalMs,
    // Four scrapes of the usual 15 s: the least over which a rate means something.
    __rate_interval: `${Math.max(seconds + 15, 60)}s`,
    __range: `${rangeS}s`,
    __range_s: rangeS,
    __range_ms: to - from,
    __from: from,
    __to: to,
  };
  return Object.fromEntries(Object.entries(values).map(([name, value]) => [name, { of: [String(value)] }]));
}

function fillingOf(variable: DashboardVariable, values: readonly string[]): Filling {
  const list = variable.multi || variable.includeAll ? { list: true } : {};
  if (!values.includes(ALL)) return { of: values, ...list };
  if (variable.allValue) return { of: [variable.allValue], asIs: true };
  const all = (variable.options ?? []).flatMap((o) => listOf(o.value)).filter((v) => v !== ALL);
  return all.length > 0 ? { of: all, list: true } : { of: ['.*'], asIs: true };
}

function listOf(value: unknown): string[] {
  return (Array.isArray(value) ? value : [value]).filter((v) => typeof v === 'string' || typeof v === 'number').map(String);
}
