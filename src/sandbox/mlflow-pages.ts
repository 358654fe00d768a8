import { curve, standInPage } from './databricks-page.ts';
import { lastPoint, type StoredRun } from './mlflow-runs.ts';
import { type Answered, escapeHtml } from './stand-in.ts';

/** What somebody sees who follows a link to MLflow. */

export function listPage(runs: StoredRun[]): Answered {
  const rows = runs
    .filter((run) => !run.deleted)
    .sort((a, b) => b.start - a.start)
    .map((run) => {
      const f1 = lastPoint(run.history['val_f1'])?.value;
      return `<tr><td><a href="/runs/${run.runId}">${escapeHtml(run.name)}</a></td><td>${run.status}</td><td>${f1?.toFixed(4) ?? ''}</td></tr>`;
    });
  return standInPage('Runs', 'MLflow', `<h1>Runs</h1><table><tr><th>run</th><th>status</th><th>val_f1</th></tr>${rows.join('')}</table>`);
}

export function showRun(run: StoredRun): Answered {
  const table = (values: Record<string, string>) =>
    `<table>${Object.entries(values)
      .map(([name, value]) => `<tr><td>${escapeHtml(name)}</td><td>${escapeHtml(value)}</td></tr>`)
      .join('')}</table>`;
  const points = run.history['val_f1'] ?? [];
  const epochs = points.map((p) => ({ epoch: p.step, metrics: { val_f1: p.value } }));
  const metrics = Object.fromEntries(Object.entries(run.history).map(([key, list]) => [key, String(lastPoint(list)?.value ?? '')]));
  const body = `<h1>${escapeHtml(run.name)} <small>${run.runId}</small></h1><p>${run.status}</p>${curve(epochs, 'val_f1', 20)}
<h2>Metrics</h2>${table(metrics)}<h2>Parameters</h2>${table(run.params)}<h2>Tags</h2>${table(run.tags)}`;
  return standInPage(run.name, 'MLflow', body, run.status === 'RUNNING' && run.tags['mlflow.databricks.jobRunID'] !== undefined);
}
