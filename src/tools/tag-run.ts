import { z } from 'zod';
import type { MlflowRun } from '../services/mlflow.ts';
import { done, type ToolContext, ToolError, writeTool } from './define-tool.ts';
import { theMlflowRun } from './linked-runs.ts';
import { cell } from './markdown.ts';
import { hostFacts } from './pull-request-facts.ts';
import { safeMarkdown } from './pull-request-text.ts';

/** The run's description: the one tag of MLflow's own that people write themselves, shown as Markdown. */
const DESCRIPTION = 'mlflow.note.content';
/** What MLflow keeps of a tag's value. */
const MOST_VALUE = 5000;

/** `value` null: the readable record of this session, as it stands at the approval. */
const argumentsSchema = z.object({ run_id: z.string(), key: z.string(), value: z.string().nullable(), previous_value: z.string().nullable() });

export const tagRun = writeTool({
  name: 'tag_run',
  title: 'Tag a run',
  description:
    'Sets a tag of an MLflow run; mlflow.note.content is its description (Markdown). Use when a run is to be marked or described. Not for a row in a document (update_tracking_doc). run_id: 32 hex digits (MLflow). labmate.*, other mlflow.* are refused.',
  input: z.strictObject({
    run_id: z.string().min(1),
    key: z.string().min(1).max(250),
    value: z.string().max(MOST_VALUE).optional().describe('left out for the description: the record'),
    overwrite: z.boolean().default(false).describe('replace another value'),
  }),
  output: z.looseObject({ status: z.string(), run_id: z.string(), key: z.string(), previous_value: z.string().optional() }),
  needs: ['mlflow'],
  destructive: false,
  idempotent: true,
  recovery: 'same-key',
  timeoutMs: 8_000,
  async plan(asked, ctx) {
    const mlflow = ctx.services.mlflow;
    const { run } = await theMlflowRun(asked.run_id, ctx);
    checkKey(asked.key);
    const value = asked.value === undefined ? null : asked.key === DESCRIPTION ? safeMarkdown(asked.value) : asked.value;
    if (value === null && asked.key !== DESCRIPTION) throw new ToolError('NO_VALUE', `There is no value for ${cell(asked.key)}.`, 'give value.').about('value');
    const text = value ?? describedBy(ctx);
    const before = tagOf(run, asked.key);
    if (before === text)
      throw new ToolError('ALREADY_SET', `Run ${run.runId} has ${cell(asked.key)} with exactly this value.`, 'go on; there is nothing to do.').about('value');
    if (before !== null && !asked.overwrite)
      throw new ToolError(
        'TAG_EXISTS',
        `Run ${run.runId} has ${cell(asked.key)} already: ${cell(before, 200)}.`,
        'ask whether it is to be replaced, then pass overwrite.',
      ).about('overwrite');
    const experiment = await mlflow.getExperiment(run.experimentId, ctx.signal);
    return {
      kind: 'plan',
      arguments: { run_id: run.runId, key: asked.key, value, previous_value: before },
      touches: { experiment: experiment?.name ?? run.experimentId },
      preview: {
        summary: `Set the tag ${cell(asked.key, 100)} of run ${run.runId} (${cell(run.name)})`,
        facts: [
          { label: 'Experiment', value: experiment?.name ?? run.experimentId },
          { label: 'Run', value: mlflow.runUrl(run) },
          ...(value === null ? [{ label: 'What is written', value: 'the readable record of this session, with this approval in it' }] : []),
        ],
        changes: [{ name: asked.key, from: before, to: text }],
      },
    };
  },
  async run(plan, ctx) {
    const mlflow = ctx.services.mlflow;
    const { run_id, key, value: given, previous_value: before } = argumentsSchema.parse(plan.arguments);
    const value = given ?? describedBy(ctx);
    const now = tagOf(await mlflow.getRun(run_id, ctx.signal), key);
    // Approved was the step from one value to another; a third one by somebody else is not ours to replace.
    if (now !== before && now !== value)
      throw new ToolError('TAG_CHANGED', `${cell(key)} of run ${run_id} has changed since it was approved.`, 'look at the run, then ask again.');
    if (now !== value) await mlflow.setTag(run_id, key, value, ctx.signal);
    return done(`Run ${run_id} has ${cell(key)} = ${cell(value, 300)}${before === null ? '' : ` (was ${cell(before, 200)})`}.`, {
      status: 'tagged',
      run_id,
      key,
      ...(before === null ? {} : { previous_value: before }),
    });
  },
});

/** The record in the words of a pull request's facts, as much as a tag holds. The same whenever it is asked for after the approval. */
function describedBy({ session }: ToolContext): string {
  if (!session) throw new ToolError('NO_SESSION', 'There is no session here whose record could be written.', 'give value.');
  const record = session.record().session;
  const foot = `Session ${session.alias}, record so far: line ${record.seq}, head ${record.head}`;
  return `${hostFacts(record, null, MOST_VALUE - foot.length - 2)}\n\n${foot}`;
}

function tagOf(run: MlflowRun, key: string): string | null {
  return Object.hasOwn(run.tags, key) ? (run.tags[key] ?? null) : null;
}

function checkKey(key: string): void {
  const refuse = (why: string) =>
    new ToolError('BAD_TAG', `The tag ${JSON.stringify(key.slice(0, 80))} can't be set: ${why}.`, 'choose another key, such as team.note.').about('key');
  // What MLflow takes as a key; it keeps no others.
  if (!/^[/\w.\- ]+$/.test(key) || key.trim() !== key) throw refuse('a key has letters, digits and / _ . - and inner spaces only');
  const folded = key.toLowerCase();
  if (/^labmate([./]|$)/.test(folded)) throw refuse('labmate.* are anchors of the record, which the host alone sets');
  if (/^mlflow([./]|$)/.test(folded) && key !== DESCRIPTION) throw refuse(`mlflow.* are MLflow's own; only ${DESCRIPTION} may be written`);
}
