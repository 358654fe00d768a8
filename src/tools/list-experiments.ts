import { z } from 'zod';
import { mayReadExperiment } from './allowed.ts';
import { done, readTool } from './define-tool.ts';
import { cell, table } from './markdown.ts';

export const listExperiments = readTool({
  name: 'list_experiments',
  title: 'List experiments',
  description:
    'MLflow experiments with their ids. Use when an experiment is named loosely or not at all. Not for the runs in one (search_runs, find_best_run). experiment_id: digits.',
  input: z.strictObject({ name: z.string().optional().describe('a part of it, in any case'), cursor: z.string().optional() }),
  output: z.looseObject({
    experiments: z.array(z.looseObject({ experiment_id: z.string(), name: z.string() })),
    truncated: z.boolean(),
    omitted: z.int(),
    next_cursor: z.string().optional(),
  }),
  needs: ['mlflow'],
  async run({ name, cursor }, ctx) {
    const page = await ctx.services.mlflow.listExperiments({ name, cursor }, ctx.signal);
    const open = page.experiments.filter((e) => mayReadExperiment(e, ctx.settings));
    const experiments = open.map((e) => ({ experiment_id: e.experimentId, name: e.name }));
    const omitted = page.experiments.length - open.length;
    const more = page.nextCursor !== null;
    const text = [
      experiments.length > 0
        ? table(
            ['experiment', 'experiment_id'],
            experiments.map((e) => [cell(e.name), e.experiment_id]),
          )
        : `MLflow has no experiment${name === undefined ? '' : ` with "${cell(name)}" in its name`} that may be read here.`,
      ...(omitted > 0 ? [`${omitted} more may not be read here (allow.experiments of labmate.json).`] : []),
      ...(more ? [`There are more: cursor ${page.nextCursor}`] : []),
    ];
    return done(text.join('\n\n'), { experiments, truncated: more || omitted > 0, omitted, ...(more ? { next_cursor: page.nextCursor } : {}) });
  },
});
