import type { SeedJob } from './seed-jobs.ts';
import { type Answered, escapeHtml, html } from './stand-in.ts';
import { type Epoch, type Launch, trainingAt } from './training.ts';

/** The page a run's link opens; it reloads itself while the run goes on. */
export function runPage(launch: Launch, job: SeedJob, now: number, mlflowUrl: string | null): Answered {
  const progress = trainingAt(launch, now);
  const rows = Object.entries(launch.parameters).map(([name, value]) => `<tr><td>${escapeHtml(name)}</td><td>${escapeHtml(value)}</td></tr>`);
  const body = [
    `<h1>${escapeHtml(job.name)} <small>job ${launch.jobId}, run ${launch.runId}</small></h1>`,
    `<p class="state ${progress.result ?? ''}">${progress.result ?? progress.phase}, epoch ${progress.epochs.length} of ${progress.epochsInAll}</p>`,
    progress.failure ? `<pre>${escapeHtml(progress.failure.trace || progress.failure.error)}</pre>` : '',
    curve(progress.epochs, 'val_f1', progress.epochsInAll),
    `<table>${rows.join('')}</table>`,
    mlflowUrl ? `<p><a href="${escapeHtml(mlflowUrl)}">its MLflow run</a></p>` : '',
  ];
  return standInPage(`${job.name} run ${launch.runId}`, 'Databricks', body.join('\n'), progress.phase !== 'ENDED');
}

/** A plain page that says what it is. */
export function standInPage(title: string, service: string, body: string, reload = false): Answered {
  return html(`<!doctype html><html lang="en"><head><meta charset="utf-8"><title>${escapeHtml(title)}</title>${
    reload ? '<meta http-equiv="refresh" content="1">' : ''
  }<style>
body { font: 15px/1.5 system-ui, sans-serif; max-width: 760px; margin: 2rem auto; color: #1d1c1d }
small, .note { color: #666; font-weight: normal } table { border-collapse: collapse } td, th { border: 1px solid #ddd; padding: 2px 10px; text-align: left }
pre { background: #f6f6f6; padding: 10px; overflow: auto } .SUCCESS { color: #087443 } .FAILED, .TIMEDOUT { color: #b3261e }
</style></head><body><p class="note">A local stand-in for ${escapeHtml(service)}: nothing here left your machine.</p>${body}</body></html>`);
}

/** A metric over the epochs as a small line. */
export function curve(epochs: readonly Epoch[], metric: string, epochsInAll: number): string {
  const points = epochs.map((e) => [e.epoch, e.metrics[metric] ?? Number.NaN] as const).filter(([, value]) => Number.isFinite(value));
  const last = points.at(-1);
  if (!last) return '<p class="note">Nothing logged yet.</p>';
  const x = (epoch: number) => ((epoch / Math.max(epochsInAll - 1, 1)) * 600).toFixed(1);
  const line = points.map(([epoch, value]) => `${x(epoch)},${(150 - value * 150).toFixed(1)}`).join(' ');
  return `<svg viewBox="-5 -5 620 165" width="620" role="img" aria-label="${escapeHtml(metric)}"><polyline points="${line}" fill="none" stroke="#1264a3" stroke-width="2"/></svg>
<p>${escapeHtml(metric)} ${last[1].toFixed(4)} at epoch ${last[0]}</p>`;
}
