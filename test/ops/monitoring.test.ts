import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { parse } from 'yaml';
import { censusMetrics, openFigures } from '../../src/ops/figures.ts';
import { exposition } from '../../src/ops/metrics.ts';

const docs = join(import.meta.dirname, '..', '..', 'docs');
const read = (name: string) => readFileSync(join(docs, name), 'utf8');
type Rule = { alert: string; expr: string; annotations: { summary: string } };
const rules = (parse(read('monitoring/alerts.yml')) as { groups: { rules: Rule[] }[] }).groups.flatMap((g) => g.rules);
const dashboard = JSON.parse(read('monitoring/dashboard.json')) as {
  panels: { title: string; gridPos: { x: number; y: number; w: number; h: number }; targets: { expr: string }[] }[];
};

/** Every name that /metrics can answer with, a histogram's as its series. */
const served = new Set(
  exposition([
    ...openFigures({ pricing: {} }).metrics(),
    ...censusMetrics({ byState: {}, approvals: { count: 0, oldestMs: 0 }, due: { count: 0, oldestMs: 0 }, stale: { count: 0, oldestMs: 0 }, watched: 0 }),
  ])
    .split('\n')
    .filter((line) => line.startsWith('# TYPE '))
    .flatMap((line) => {
      const [, , name = '', type] = line.split(' ');
      return type === 'histogram' ? [`${name}_bucket`, `${name}_sum`, `${name}_count`] : [name];
    }),
);
const namesIn = (expr: string) => expr.match(/\b(?:labmate|process)_[a-z_]+/g) ?? [];

test('alerts and dashboard ask for nothing that /metrics does not have, and the dashboard shows all of it', () => {
  const asked = [...rules.map((r) => r.expr), ...dashboard.panels.flatMap((p) => p.targets.map((t) => t.expr))].flatMap(namesIn);
  expect(asked.filter((name) => !served.has(name))).toEqual([]);
  expect([...served].filter((name) => !/_(sum|count)$/.test(name) && !asked.includes(name))).toEqual([]);
});

test('each alert has a part of docs/operations.md that says what to do, and there is none for an alert that is gone', () => {
  const headings = [...read('operations.md').matchAll(/^### (Labmate\w+)$/gm)].map((found) => found[1]);
  expect(headings).toEqual(rules.map((rule) => rule.alert));
});

test('no two panels lie upon each other', () => {
  const cells = dashboard.panels.flatMap(({ gridPos: { x, y, w, h } }) => Array.from({ length: w * h }, (_, i) => `${x + (i % w)},${y + Math.floor(i / w)}`));
  expect(new Set(cells).size).toBe(cells.length);
  expect(dashboard.panels.every(({ gridPos }) => gridPos.x + gridPos.w <= 24)).toBe(true);
});
