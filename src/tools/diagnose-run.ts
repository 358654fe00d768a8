import { z } from 'zod';
import { diagnose } from '../analysis/diagnose.ts';
import { direction } from '../analysis/direction.ts';
import { isUsable } from '../analysis/numbers.ts';
import type { MlflowRun } from '../services/mlflow.ts';
import { done, readTool, ToolError } from './define-tool.ts';
import { noSuchMetric } from './get-metric-history.ts';
import { theMlflowRun } from './linked-runs.ts';
import { cell, listed } from './markdown.ts';

export const diagnoseRun = readTool({
  name: 'diagnose_run',
  title: 'Diagnose a training',
  description:
    'Judges an MLflow run by its losses: converging, diverging, plateaued or unclear, overfitting, NaN, with the figures behind it. Use when a result disappoints or a run looks wrong. Not for better or worse than another run (compare_runs). run_id: 32 hex digits (MLflow).',
  input: z.strictObject({
    run_id: z.string().min(1),
    loss: z.string().optional().describe('the training loss; else found by its name'),
    val_loss: z.string().optional(),
  }),
  output: z.looseObject({
    run_id: z.string(),
    trend: z.string(),
    overfit: z.boolean().optional(),
    non_finite: z.array(z.looseObject({ metric: z.string(), first_step: z.int(), count: z.int() })).optional(),
    evidence: z.array(z.string()),
  }),
  needs: ['mlflow'],
  async run({ run_id, loss, val_loss }, ctx) {
    const mlflow = ctx.services.mlflow;
    const { run, note } = await theMlflowRun(run_id, ctx);
    const chosen = choose(run, loss, val_loss);
    const course = async (metric: string) => ({ metric, points: await mlflow.getMetricHistory(run.runId, metric, ctx.signal) });
    const found = diagnose(await course(chosen.loss), chosen.validation === null ? null : await course(chosen.validation));
    // A metric beside the losses may have broken first.
    const others = Object.values(run.metrics).filter((m) => !isUsable(m.value) && m.key !== chosen.loss && m.key !== chosen.validation);
    const evidence = [
      ...found.evidence,
      ...(others.length > 0 ? [`Not finite at their last step either: ${listed(others.map((m) => m.key))}.`] : []),
      ...(chosen.validation === null ? ['It has no validation loss that could show overfitting.'] : []),
      ...(run.status === 'FINISHED' ? [] : [`The run is ${run.status}: this is how far it has come.`]),
    ];
    const { overfit } = found;
    const head = `Run ${run.runId} (${cell(run.name)}): **${found.trend}**${overfit === null ? '' : overfit ? ', **overfitting**' : ', not overfitting'}, by ${[chosen.loss, ...(chosen.validation ? [chosen.validation] : [])].map((m) => cell(m)).join(' and ')}.`;
    return done([head, ...evidence.map((e) => `- ${cell(e, 400)}`), ...(note ? [note] : []), mlflow.runUrl(run)].join('\n'), {
      run_id: run.runId,
      trend: found.trend,
      ...(overfit === null ? {} : { overfit }),
      ...(found.non_finite.length > 0 ? { non_finite: found.non_finite } : {}),
      evidence,
      loss: chosen.loss,
      ...(chosen.validation === null ? {} : { val_loss: chosen.validation }),
      run_url: mlflow.runUrl(run),
    });
  },
});

const HELD_OUT = /(^|[^a-z])(val|valid|validation|eval|dev|test)([^a-z]|$)/i;

/** The two losses, as named or by their names. A single held-out loss is judged by itself. */
function choose(run: MlflowRun, loss: string | undefined, validation: string | undefined): { loss: string; validation: string | null } {
  for (const named of [loss, validation]) if (named !== undefined && !Object.hasOwn(run.metrics, named)) throw noSuchMetric(named, run);
  const losses = Object.keys(run.metrics)
    .filter((name) => /loss|nll|perplexity|cross_?entropy/i.test(name) && direction(name, {})?.direction === 'min')
    .sort((a, b) => a.length - b.length || (a < b ? -1 : 1));
  const held = validation ?? losses.find((name) => HELD_OUT.test(name) && name !== loss) ?? null;
  const own = loss ?? losses.find((name) => !HELD_OUT.test(name));
  if (own !== undefined) return { loss: own, validation: held };
  if (held !== null) return { loss: held, validation: null };
  const names = Object.keys(run.metrics).sort();
  throw new ToolError('NO_LOSS', `Run ${run.runId} has no metric that reads like a loss.`, `name one as loss; it has ${listed(names)}.`);
}
