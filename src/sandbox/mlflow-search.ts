import { lastPoint, type StoredRun } from './mlflow-runs.ts';

/** What a filter or an order clause can't be read as; MLflow answers 400 with these words. */
export class BadClause extends Error {}

type Subject = { of: 'metrics' | 'params' | 'tags' | 'attributes'; key: string };

const entities: Record<string, Subject['of']> = {
  metric: 'metrics',
  metrics: 'metrics',
  param: 'params',
  params: 'params',
  parameter: 'params',
  parameters: 'params',
  tag: 'tags',
  tags: 'tags',
  attr: 'attributes',
  attribute: 'attributes',
  attributes: 'attributes',
  run: 'attributes',
};
/** As MLflow's refusals call them. */
const spoken: Record<Subject['of'], string> = { metrics: 'metric', params: 'parameter', tags: 'tag', attributes: 'attribute' };
const attributes: Record<string, (run: StoredRun) => string | number> = {
  run_id: (run) => run.runId,
  run_name: (run) => run.name,
  'Run Name': (run) => run.name,
  status: (run) => run.status,
  user_id: (run) => run.tags['mlflow.user'] ?? '',
  artifact_uri: (run) => `mlflow-artifacts:/${run.experimentId}/${run.runId}/artifacts`,
  start_time: (run) => run.start,
  end_time: (run) => run.end ?? 0,
  created: (run) => run.start,
  Created: (run) => run.start,
};

/** A filter as MLflow 2.x reads it: clauses joined by AND, nothing else. */
export function compileFilter(filter: string): (run: StoredRun) => boolean {
  if (!filter.trim()) return () => true;
  const clauses = tokens(filter).reduce<string[][]>(
    (list, token) => {
      if (/^and$/i.test(token)) list.push([]);
      else list.at(-1)?.push(token);
      return list;
    },
    [[]],
  );
  const tests = clauses.map(compileClause);
  return (run) => tests.every((test) => test(run));
}

/** `metrics.val_f1 DESC`: NaN and runs without the value come last either way, ties by start time, newest first. */
export function compileOrder(clauses: readonly string[]): (a: StoredRun, b: StoredRun) => number {
  const keys = clauses.map((clause) => {
    const parts = /^(.*?)(?:\s+(asc|desc))?$/i.exec(clause.trim());
    const subject = subjectOf(parts?.[1] ?? '');
    return { subject, sign: parts?.[2]?.toLowerCase() === 'desc' ? -1 : 1 };
  });
  return (a, b) => {
    for (const { subject, sign } of keys) {
      const [x, y] = [readValue(a, subject), readValue(b, subject)];
      const [noX, noY] = [x === undefined || Number.isNaN(x), y === undefined || Number.isNaN(y)];
      if (noX !== noY) return noX ? 1 : -1;
      if (noX || x === undefined || y === undefined || x === y) continue;
      return (x < y ? -1 : 1) * sign;
    }
    return b.start - a.start;
  };
}

function compileClause(parts: string[]): (run: StoredRun) => boolean {
  const text = parts.join(' ');
  const [name = '', operator = '', ...rest] = parts;
  if (rest.length === 0 || (rest.length > 1 && !/^in$/i.test(operator))) throw new BadClause(`Invalid clause(s) in filter string: '${oddWord(parts) ?? text}'`);
  const op = operator.toUpperCase();
  if (op === 'IS') throw new BadClause(`Invalid comparator 'IS' in filter string: '${text}'`);
  const subject = subjectOf(name);
  if (subject.of === 'metrics' || (subject.of === 'attributes' && /^(start_time|end_time|created)$/i.test(subject.key))) {
    const right = Number(rest[0]);
    if (Number.isNaN(right)) throw new BadClause(`Expected numeric value type for metric. Found ${rest[0]}`);
    // NaN passes a "greater than" here, as it does on the real server's SQL store.
    return (run) => compare(readValue(run, subject), op, right, text);
  }
  if (op === 'IN') {
    if (subject.key !== 'run_id') throw new BadClause("Only the 'run_id' attribute supports comparison with a list of quoted string values.");
    const list = new Set([...rest.join(' ').matchAll(/'([^']*)'|"([^"]*)"/g)].map((m) => m[1] ?? m[2]));
    return (run) => list.has(run.runId);
  }
  const quoted = /^'([^']*)'$|^"([^"]*)"$/.exec(rest[0] ?? '');
  if (!quoted) throw new BadClause(`Expected a quoted string value for ${spoken[subject.of]} (e.g. 'my-value'). Got value ${rest[0]}`);
  const right = quoted[1] ?? quoted[2] ?? '';
  if (op === '=') return (run) => readValue(run, subject) === right;
  if (op === '!=') return (run) => readValue(run, subject) !== undefined && readValue(run, subject) !== right;
  if (op === 'LIKE' || op === 'ILIKE') {
    const source = right
      .replace(/[.*+?^${}()|[\]\\]/g, '\\$&')
      .replaceAll('%', '.*')
      .replaceAll('_', '.');
    const shape = new RegExp(`^${source}$`, op === 'ILIKE' ? 'is' : 's');
    return (run) => shape.test(String(readValue(run, subject) ?? '\u0000'));
  }
  throw new BadClause(`Invalid comparator '${operator}' in filter string: '${text}'`);
}

function compare(left: string | number | undefined, op: string, right: number, text: string): boolean {
  if (left === undefined) return false;
  const value = Number(left);
  switch (op) {
    case '=':
      return value === right;
    case '!=':
      return value !== right;
    case '>':
      return value > right || Number.isNaN(value);
    case '>=':
      return value >= right || Number.isNaN(value);
    case '<':
      return value < right;
    case '<=':
      return value <= right;
    default:
      throw new BadClause(`Invalid comparator '${op}' in filter string: '${text}'`);
  }
}

function subjectOf(name: string): Subject {
  const dot = name.indexOf('.');
  const bare = dot < 0;
  const of = bare ? 'attributes' : entities[name.slice(0, dot).toLowerCase()];
  const key = (bare ? name : name.slice(dot + 1)).replace(/^[`"](.*)[`"]$/, '$1');
  if (!of) throw new BadClause(`Invalid entity type '${name.slice(0, dot)}'. Valid values are ['metric', 'parameter', 'tag', 'attribute', 'dataset']`);
  if (of === 'attributes' && !attributes[key])
    throw new BadClause(
      `Invalid attribute key '${key}' specified. Valid keys are '{${Object.keys(attributes)
        .map((name) => `'${name}'`)
        .join(', ')}}'`,
    );
  return { of, key };
}

function readValue(run: StoredRun, { of, key }: Subject): string | number | undefined {
  if (of === 'metrics') return lastPoint(run.history[key])?.value;
  return of === 'params' ? run.params[key] : of === 'tags' ? run.tags[key] : attributes[key]?.(run);
}

const oddWord = (parts: string[]) => parts.map((part) => part.toLowerCase()).find((part) => part === 'or' || part === 'not' || part === 'is');

/** Names with their backticks, operators, quoted strings, lists in brackets. */
function tokens(filter: string): string[] {
  const found = filter.match(/\([^)]*\)|'[^']*'|"[^"]*"|[\w]+\.`[^`]*`|[\w]+\."[^"]*"|!=|>=|<=|[=<>]|[^\s=<>!'"()]+/g) ?? [];
  return found.map(String);
}
