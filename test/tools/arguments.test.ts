import { expect, test } from 'vitest';
import { z } from 'zod';
import { faultInWords, readArguments } from '../../src/tools/arguments.ts';
import { catalog } from '../../src/tools/catalog.ts';
import type { Tool } from '../../src/tools/define-tool.ts';

const tool = {
  name: 'hand_in',
  input: z.strictObject({
    title: z.string().min(1).optional(),
    draft: z.boolean().optional(),
    files: z
      .array(z.strictObject({ path: z.string() }))
      .max(2)
      .optional(),
    reviewers: z.array(z.string().refine((login) => !login.includes(' '), 'a GitHub login')).optional(),
    share: z.number().multipleOf(5).optional(),
  }),
} as unknown as Tool;

test.each<[string, Record<string, unknown>, string, string]>([
  ['a type', { title: 7 }, 'title: it must be a text', 'It must be a text.'],
  ['a truth', { draft: 'yes' }, 'draft: it must be true or false', 'It must be true or false.'],
  ['what is empty', { title: '' }, 'title: it is empty', 'It is empty.'],
  ['what is missing', { files: [{}] }, 'files.0.path: it is missing', 'Item 1: "path" is missing.'],
  ['what is not there', { files: [{ path: 'a', mode: 1 }] }, 'files.0: there is no "mode"', 'Item 1: there is no "mode".'],
  ['a check of ours', { reviewers: ['a', 'b c'] }, 'reviewers.1: it must be a GitHub login', 'Item 2 must be a GitHub login.'],
  ['what has no words of ours', { share: 7 }, 'share: the tool does not take it', 'The tool does not take it.'],
])('the model and a person read the same of %s, each in their form', (_what, input, model, person) => {
  const [issue] = tool.input.safeParse(input).error?.issues ?? [];
  expect(issue && faultInWords(issue, input)).toBe(person);
  expect(() => readArguments(tool, input)).toThrow(`hand_in does not take these arguments: ${model}. Next: `);
});

test('an id of another service is told apart in words of ours', () => {
  const runJob = catalog.find(({ name }) => name === 'run_databricks_job') as Tool;
  expect(() => readArguments(runJob, { job_id: 'abc' })).toThrow('job_id: it must be a Databricks id, which is 1 to 19 digits; an MLflow run id');
});
