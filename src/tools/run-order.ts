import { nearMisses } from '../analysis/near-miss.ts';
import type { MlflowRun } from '../services/mlflow.ts';
import { ToolError } from './define-tool.ts';
import { cell, listed } from './markdown.ts';

type Kind = 'metrics' | 'params' | 'tags' | 'attributes';
/** One key of an order, and how MLflow wants it. */
export type OrderKey = { kind: Kind; name: string; clause: string };

const KINDS: Record<string, Kind> = { m: 'metrics', p: 'params', t: 'tags', a: 'attributes' };
const ATTRIBUTES = ['start_time', 'created', 'end_time', 'status', 'run_name', 'run_id', 'user_id', 'artifact_uri'];

/** `metrics.val_f1 DESC, start_time`: MLflow refuses a bare metric, and an odd name must stand in backticks; a name that is not MLflow's own is a metric's. */
export function orderKeys(text: string): OrderKey[] {
  return (text.match(/(?:`[^`]*`|"[^"]*"|[^,])+/g) ?? ['']).map(orderKey);
}

/** What is wrong with the order of these runs, as a sentence; null: nothing. Where no run has the key, MLflow gives the newest first and says nothing. */
export function notOrdered(keys: readonly OrderKey[], runs: readonly MlflowRun[]): { by: string[]; text: string; advice: string } | null {
  const missing = runs.length === 0 ? [] : keys.filter(({ kind, name }) => kind !== 'attributes' && !runs.some((run) => Object.hasOwn(run[kind], name)));
  if (missing.length === 0) return null;
  const near = missing.flatMap(({ kind, name }) =>
    kind === 'attributes'
      ? []
      : nearMisses(
          name,
          runs.flatMap((run) => Object.keys(run[kind])),
        ),
  );
  const meant = near.length > 0 ? ` They have ${listed([...new Set(near)])}.` : '';
  const by = missing.map(({ kind, name }) => `${kind}.${name}`);
  return { by, text: `None of these runs has ${listed(by)}, so they are not ordered by it.${meant}`, advice: meant ? 'Ask whether that is meant.' : '' };
}

function orderKey(text: string): OrderKey {
  const found = /^\s*(?:(metrics?|params?|parameters?|tags?|attributes?)\.)?(.+?)(?:\s+(asc|desc))?\s*$/i.exec(text);
  const name = found?.[2]?.replaceAll('`', '').replaceAll('"', '') ?? '';
  if (!found || name === '') throw new ToolError('BAD_ORDER', `"${cell(text)}" is no order.`, 'give something like metrics.val_f1 DESC.');
  const kind = KINDS[found[1]?.[0]?.toLowerCase() ?? ''] ?? (ATTRIBUTES.includes(name) ? 'attributes' : 'metrics');
  return { kind, name, clause: `${kind}.\`${name}\` ${(found[3] ?? 'ASC').toUpperCase()}` };
}
