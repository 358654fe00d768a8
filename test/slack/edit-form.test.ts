import { describe, expect, test } from 'vitest';
import { z } from 'zod';
import { refuseView } from '../../src/sandbox/slack/validate-view.ts';
import { changedArguments } from '../../src/session/changed-arguments.ts';
import { editForm, fieldAbout, fieldsOf, readFields, wasWritten } from '../../src/slack/views/edit-form.ts';
import { catalog } from '../../src/tools/catalog.ts';

const job = {
  properties: { job_id: { type: 'string' }, config: { type: 'string', description: 'a file' }, parameters: { type: 'object' }, note: { type: 'string' } },
};
const input = { job_id: '101', config: 'base.json', parameters: { lr: 0.1 } };
const resolved = { job_id: '101', config: { path: 'base.json' }, parameters: { config: 'base.json', lr: '0.1', feature_set: 'v1' } };
const { fields } = fieldsOf(job, input, resolved);
/** What was written: the form's own values but for these, by label. */
const write = (changes: Record<string, string>) => fields.map((f) => changes[f.label] ?? f.value);
const read = (changes: Record<string, string>) => readFields(fields, write(changes), input);

describe('the form for a job', () => {
  test('has a field for each parameter that would be sent, and for every other argument what was asked for', () => {
    expect(fields.map((f) => [f.label, f.value])).toEqual([
      ['Job', '101'],
      ['Config', 'base.json'],
      ['lr', '0.1'],
      ['feature_set', 'v1'],
      ['More parameters', ''],
    ]);
  });

  test.each<[string, Record<string, string>, unknown]>([
    ['nothing', {}, { input, changed: 0 }],
    ['a parameter', { lr: '0.2' }, { input: { ...input, parameters: { lr: '0.2' } }, changed: 1 }],
    ['one from the file', { feature_set: 'v2' }, { input: { ...input, parameters: { lr: 0.1, feature_set: 'v2' } }, changed: 1 }],
    ['an emptied one is left out', { lr: '' }, { input: { ...input, parameters: {} }, changed: 1 }],
    ['more of them', { 'More parameters': 'seed=1\n\n name = a=b ' }, { input: { ...input, parameters: { lr: 0.1, seed: '1', name: 'a=b' } }, changed: 1 }],
    ['what is no parameter', { 'More parameters': 'seed' }, { at: 4, why: 'Write one parameter a line, as name=value.' }],
    ['an emptied argument', { Config: '' }, { input: { job_id: '101', parameters: { lr: 0.1 } }, changed: 1 }],
  ])('read back: %s', (_name, changes, expected) => {
    expect(read(changes)).toEqual(expected);
  });

  test.each<[string, string[], Record<string, string>, number]>([
    ['a parameter with a field', ['parameters', 'feature_set'], { lr: '0.2' }, 3],
    ['a parameter that was added', ['parameters', 'sed'], { lr: '0.2', 'More parameters': 'seed=1\nsed = 2' }, 4],
    ['an argument', ['config'], { lr: '0.2' }, 1],
    ['nobody knows what', [], { lr: '0.2' }, 2],
  ])('an objection stands under its field: %s', (_name, argument, changes, at) => {
    expect(fieldAbout(argument, fields, write(changes))).toBe(at);
  });

  test('names that every object has are parameters like others', () => {
    const answer = read({ 'More parameters': '__proto__=x\nconstructor=y' });
    expect(JSON.stringify(answer)).toContain('"parameters":{"lr":0.1,"__proto__":"x","constructor":"y"}');
    expect(({} as Record<string, unknown>)['x']).toBeUndefined();
  });

  test('what came along unasked is not what was written', () => {
    const after = { ...resolved, parameters: { config: 'base.json', lr: '0.2', feature_set: 'v1' }, config: { path: 'base.json', commit: 'new' } };
    const written = write({ lr: '0.2' });
    expect(changedArguments(resolved, after).map((c) => [c.name, wasWritten(c, fields, written, input)])).toEqual([
      ['parameters.lr', true],
      ['config.commit', false],
    ]);
  });
});

describe('the form for another tool', () => {
  const schema = {
    properties: { title: { type: 'string' }, body: { type: 'string', maxLength: 60_000 }, labels: { type: 'array' }, draft: { type: 'boolean' } },
  };
  const asked = { title: 'x', body: 'y'.repeat(5_000), labels: ['a'] };
  const form = fieldsOf(schema, asked, asked);

  test('keeps what is too long for a field, and says so', () => {
    expect(form.kept).toEqual(['Body']);
    expect(JSON.stringify(editForm('s1/1', form, 'Well.', 'Change'))).toContain('kept as it is: Body.');
  });

  test('reads JSON where no text is wanted', () => {
    expect(readFields(form.fields, ['z', '["b"]', 'true'], asked)).toEqual({ input: { ...asked, title: 'z', labels: ['b'], draft: true }, changed: 3 });
    expect(readFields(form.fields, ['x', '[b]', ''], asked)).toEqual({ at: 1, why: expect.stringContaining('not JSON') });
  });
});

test('names from a model make a form that Slack accepts, with nothing invisible in it', () => {
  const nasty = Object.fromEntries(Array.from({ length: 80 }, (_, i) => [`\u202e${'n'.repeat(200)}<!channel>${i}`, i === 1 ? 'v'.repeat(4_000) : 'v']));
  const view = editForm('s1/1', fieldsOf(job, { job_id: '101' }, { parameters: nasty }), 'x'.repeat(5_000), 'Change');
  expect(refuseView(view)).toBeNull();
  expect(JSON.stringify(view)).not.toContain('\u202e');
});

describe.each(catalog.filter((tool) => tool.kind === 'write'))('the form for $name', (tool) => {
  const schema = z.toJSONSchema(tool.input, { io: 'input' }) as Record<string, unknown>;
  const { fields: own } = fieldsOf(schema, {}, {});

  test('is one that Slack takes, with a field for every argument that people write', () => {
    expect(refuseView(editForm('s1/1', { fields: own, kept: [] }, 'What you change is looked up again.', 'Change'))).toBeNull();
    const form = editForm('s1/1', { fields: own, kept: [] }, 'x', 'Change').blocks as { type: string; optional?: boolean }[];
    const needed = (schema as { required?: string[] }).required ?? [];
    expect(form.filter((b) => b.type === 'input' && b.optional === false)).toHaveLength(needed.length);
    const names = Object.keys((schema as { properties: object }).properties).filter((name) => !['note', 'idempotency_token'].includes(name));
    expect(own.map((f) => f.path[0])).toEqual(names);
  });

  test('an empty form changes nothing; a field that is not text is read as JSON or said to be none', () => {
    const nothing = own.map(() => '');
    expect(readFields(own, nothing, {})).toEqual({ input: {}, changed: 0 });
    const at = own.findIndex((f) => !f.text);
    if (at < 0) return;
    const write = (value: string) =>
      readFields(
        own,
        own.map((f, i) => (i === at ? value : f.value)),
        {},
      );
    expect(write('[1')).toMatchObject({ at, why: expect.stringContaining('not JSON') });
    expect(write('[1]')).toMatchObject({ changed: 1, input: { [own[at]?.path[0] ?? '']: [1] } });
  });
});
