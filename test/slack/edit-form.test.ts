import { describe, expect, test } from 'vitest';
import { z } from 'zod';
import { refuseView } from '../../src/sandbox/slack/validate-view.ts';
import { changedArguments } from '../../src/session/changed-arguments.ts';
import { RUN_TOOL } from '../../src/session/runs.ts';
import { editForm, fieldsOf } from '../../src/slack/views/edit-form.ts';
import { fieldAbout, objection, readFields, wasWritten } from '../../src/slack/views/edited-fields.ts';
import { catalog } from '../../src/tools/catalog.ts';

const job = {
  properties: { job_id: { type: 'string' }, config: { type: 'string', description: 'a file' }, parameters: { type: 'object' }, note: { type: 'string' } },
};
const input = { job_id: '101', config: 'base.json', parameters: { lr: 0.1 } };
const resolved = { job_id: '101', config: { path: 'base.json' }, parameters: { config: 'base.json', lr: '0.1', feature_set: 'v1' } };
const { fields } = fieldsOf(RUN_TOOL, job, input, resolved);
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
    ['one that stands twice', { 'More parameters': 'seed=1\nseed=2' }, { at: 4, why: 'seed stands here twice; it takes one value.' }],
    [
      'one that has a field of its own',
      { 'More parameters': 'feature_set=v1' },
      { at: 4, why: 'feature_set has a field of its own in this form; change it there.' },
    ],
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
    properties: {
      title: { type: 'string' },
      body: { type: 'string', maxLength: 60_000 },
      labels: { type: 'array', items: { type: 'string' } },
      draft: { type: 'boolean', default: false },
      files: { type: 'array', items: { type: 'object', properties: { path: {}, content: {} } } },
      depth: { type: 'integer' },
    },
  };
  const asked = { title: 'x', body: 'y'.repeat(5_000), labels: ['a'] };
  const form = fieldsOf('hand_in', schema, asked, asked);

  test('keeps what is too long for a field, and says so', () => {
    expect(form.tooLong).toEqual(['Body']);
    expect(JSON.stringify(editForm('s1/1', form, 'Well.', 'Change'))).toContain('kept as it is: Body.');
  });

  test('takes a list a line, a yes or no by choice, a number as one writes it, and JSON only where nothing simpler holds it', () => {
    expect(form.fields.map((f) => [f.label, f.kind, f.value])).toEqual([
      ['Title', 'text', 'x'],
      ['Labels', 'list', 'a'],
      ['Draft', 'yes or no', 'no'],
      ['Files', 'json', ''],
      ['Depth', 'number', ''],
    ]);
    const files = [{ path: 'a', content: 'b' }];
    expect(readFields(form.fields, ['z', ' a\n\nb c', 'yes', JSON.stringify(files), '3'], asked)).toEqual({
      input: { ...asked, title: 'z', labels: ['a', 'b c'], draft: true, files, depth: 3 },
      changed: 5,
    });
    expect(readFields(form.fields, ['x', '', 'no', '', ''], asked)).toEqual({ input: { title: 'x', body: asked.body }, changed: 1 });
    expect(readFields(form.fields, ['x', '["b"]', 'no', '', ''], asked)).toMatchObject({ input: { labels: ['b'] } });
    expect(readFields(form.fields, ['x', '[b]', 'no', '', ''], asked)).toMatchObject({ input: { labels: ['[b]'] } });
    expect(readFields(form.fields, ['x', 'a', 'no', 'path', ''], asked)).toEqual({ at: 3, why: expect.stringContaining('not JSON') });
    expect(readFields(form.fields, ['x', 'a', 'no', '', 'deep'], asked)).toEqual({ at: 4, why: 'Write a number.' });
  });

  test.each<[string, string[], string]>([
    ['within a file', ['files', '0', 'content'], 'Files'],
    ['an item of a list', ['labels', '1'], 'Labels'],
    ['an argument', ['depth'], 'Depth'],
  ])('an objection to %s stands under the argument that holds it, whatever else was changed', (_what, argument, label) => {
    expect(form.fields[fieldAbout(argument, form.fields, ['z', 'b', 'yes', '[]', '1'])]?.label).toBe(label);
  });

  test('an objection to what has no field names it, and one to what has a field does not', () => {
    const why = 'It must be a text.';
    const written = form.fields.map((f) => f.value);
    expect(objection({ argument: ['body'], why }, form.fields, written)).toEqual({ at: 0, why: 'Body: It must be a text.' });
    expect(objection({ argument: ['depth'], why }, form.fields, written)).toEqual({ at: 4, why });
    expect(objection({ why }, form.fields, written)).toEqual({ at: 0, why });
  });

  test('shows what would be sent in place of what was not asked for, and sends it on as it was unless it is changed', () => {
    const { fields: own } = fieldsOf('hand_in', schema, { title: 'x' }, { title: 'x', depth: 7, labels: [], files: [{ path: 'a', content: 'b', bytes: 1 }] });
    expect(own.map((f) => [f.label, f.value])).toEqual([
      ['Title', 'x'],
      ['Body', ''],
      ['Labels', ''],
      ['Draft', 'no'],
      ['Files', ''],
      ['Depth', '7'],
    ]);
    const as = (depth: string, title = 'z') => readFields(own, [title, '', '', 'no', '', depth], { title: 'x' });
    expect(as('7')).toEqual({ input: { title: 'z' }, changed: 1 });
    expect(as('8', 'x')).toEqual({ input: { title: 'x', depth: 8 }, changed: 1 });
  });

  test('of a mounted server takes an argument called parameters, and one called note, by its schema', () => {
    const properties = { parameters: { type: 'object', properties: { depth: {} } }, note: { type: 'string' } };
    const given = { parameters: { depth: 3 }, note: 'n' };
    const { fields: own } = fieldsOf('mcp__registry__tune', { properties }, given, given);
    expect(own.map((f) => [f.path, f.kind])).toEqual([
      [['parameters'], 'json'],
      [['note'], 'text'],
    ]);
    expect(readFields(own, ['{"depth": 4}', 'n'], given)).toEqual({ input: { parameters: { depth: 4 }, note: 'n' }, changed: 1 });
  });

  test('keeps the line ends of Windows in what nobody changed', () => {
    const given = { title: 'x', body: 'a\r\nb' };
    const { fields: own } = fieldsOf('hand_in', schema, given, given);
    expect(own.find((f) => f.label === 'Body')).toMatchObject({ value: 'a\nb', multiline: true });
    const written = own.map((f) => (f.label === 'Title' ? 'y' : f.value));
    expect(readFields(own, written, given)).toEqual({ input: { title: 'y', body: 'a\r\nb' }, changed: 1 });
  });

  test('says in what form each is written', () => {
    const blocks = editForm('s1/1', form, 'Well.', 'Change').blocks as { hint?: { text: string }; element?: { type: string; initial_option?: unknown } }[];
    const hints = blocks.map((b) => b.hint?.text);
    expect(hints).toContain('one a line');
    expect(hints).toContain('JSON, as [{"path": …, "content": …}, …]');
    expect(blocks.find((b) => b.element?.type === 'static_select')?.element).toMatchObject({ initial_option: { value: 'no' } });
  });

  test('a list that is changed is what was written, and so is one that is emptied', () => {
    const of = (written: string, after: Record<string, unknown>) =>
      changedArguments({ title: 'x', labels: ['a'] }, after).map((c) =>
        wasWritten(
          c,
          form.fields,
          form.fields.map((f) => (f.label === 'Labels' ? written : f.value)),
          asked,
        ),
      );
    expect(of('a\nb', { title: 'x', labels: ['a', 'b'] })).toEqual([true]);
    expect(of('', { title: 'x', labels: [] })).toEqual([true]);
    expect(of('a\nb', { title: 'x', labels: ['a', 'c'] })).toEqual([false]);
  });

  test('what is gone though nobody emptied its field is not what was written', () => {
    const given = { title: 'x' };
    const { fields: own } = fieldsOf('hand_in', schema, given, given);
    const written = ['z', ...own.slice(1).map((f) => f.value)];
    const came = (before: Record<string, unknown>, after: Record<string, unknown>) =>
      changedArguments({ ...given, ...before }, { title: 'z', ...after }).map((c) => [c.name, wasWritten(c, own, written, given)]);
    const titleAnd = (name: string) => [
      ['title', true],
      [name, false],
    ];
    // It came from elsewhere, such as a file, and stood in no field.
    expect(came({ labels: ['a'] }, {})).toEqual(titleAnd('labels.0'));
    expect(came({ labels: ['a'] }, { labels: [] })).toEqual(titleAnd('labels.0'));
    expect(came({}, { labels: [] })).toEqual(titleAnd('labels'));
    expect(came({ parameters: { lr: '1' } }, {})).toEqual(titleAnd('parameters.lr'));
  });
});

/** Schemas as servers of many makes write them. */
test.each<[string, Record<string, unknown>, unknown, string]>([
  ['an id that may be a number', { anyOf: [{ type: 'string' }, { type: 'integer' }] }, 101, 'text'],
  ['what may be null', { anyOf: [{ type: 'boolean' }, { type: 'null' }], default: null }, undefined, 'yes or no'],
  ['null among the types', { type: ['array', 'null'], items: { type: 'string' } }, undefined, 'list'],
  ['a choice that stands elsewhere', { $ref: '#/$defs/Colour' }, undefined, 'text'],
  ['a list of such choices', { type: 'array', items: { $ref: '#/$defs/Colour' } }, ['red'], 'list'],
  ['a choice without a type', { enum: ['a', 'b'] }, undefined, 'text'],
  ['a list with a text of several lines', { type: 'array', items: { type: 'string' } }, ['a\nb'], 'json'],
  ['a list of anything', { type: 'array' }, undefined, 'json'],
  ['anything', {}, undefined, 'json'],
  ['what refers to itself without end', { $ref: '#/$defs/Endless' }, undefined, 'json'],
  ['what is not there', { $ref: '#/$defs/Nothing' }, undefined, 'json'],
])('%s is written in the simplest form that holds it', (_what, property, value, kind) => {
  const $defs = {
    Colour: { type: 'string', enum: ['red'] },
    Endless: { anyOf: [{ $ref: '#/$defs/Endless' }, { type: 'array', items: { $ref: '#/$defs/Endless' } }] },
  };
  const input = value === undefined ? {} : { it: value };
  const fields = fieldsOf('mcp__a__b', { $defs, properties: { it: property } }, input, input);
  expect(fields.fields.map((f) => f.kind)).toEqual([kind]);
  expect(refuseView(editForm('s1/1', fields, 'x', 'Change'))).toBeNull();
});

describe('the form for more than Slack has room for', () => {
  const parameters = Object.fromEntries(Array.from({ length: 120 }, (_, i) => [`parameter_number_${i}`, `v${i}`]));
  const given = { job_id: '101', parameters: { parameter_number_119: 'asked' } };
  const form = fieldsOf(RUN_TOOL, job, given, { job_id: '101', parameters: { ...parameters, ...given.parameters } });

  test('shows what was asked for first, and names each that has no room', () => {
    expect(form.fields).toHaveLength(60);
    expect(form.fields.map((f) => f.label)).toEqual(expect.arrayContaining(['Job', 'Config', 'parameter_number_119', 'More parameters']));
    const view = editForm('s1/1', form, 'Well.', 'Change');
    expect(refuseView(view)).toBeNull();
    const words = JSON.stringify(view);
    for (const name of Object.keys(parameters)) expect(words).toContain(name);
    expect(words).toContain('This form has no room for the following, which stay as they are: ');
  });

  test('keeps those as they are, and changes one under More parameters', () => {
    const written = form.fields.map((f) => (f.label === 'More parameters' ? 'parameter_number_100=w' : f.value));
    expect(form.noRoom).toContain('parameter_number_100');
    expect(readFields(form.fields, written, given)).toEqual({
      input: { ...given, parameters: { parameter_number_119: 'asked', parameter_number_100: 'w' } },
      changed: 1,
    });
  });

  test('of a mounted server names the arguments without room, and stays below what Slack takes in all', () => {
    const properties = Object.fromEntries(Array.from({ length: 70 }, (_, i) => [`argument_${i}`, { type: 'string' }]));
    const long = Object.fromEntries(Object.keys(properties).map((name) => [name, 'ж'.repeat(2_900)]));
    const heavy = fieldsOf('mcp__a__b', { properties }, long, long);
    expect(refuseView(editForm('s1/1', heavy, 'Well.', 'Change'))).toBeNull();
    expect([...heavy.fields.map((f) => f.path[0]), ...heavy.noRoom.map((label) => label.toLowerCase().replace(' ', '_'))]).toEqual(Object.keys(properties));
  });
});

test('names from a model make a form that Slack accepts, with nothing invisible in it', () => {
  const nasty = Object.fromEntries(Array.from({ length: 80 }, (_, i) => [`\u202e${'n'.repeat(200)}<!channel>${i}`, i === 1 ? 'v'.repeat(4_000) : 'v']));
  const view = editForm('s1/1', fieldsOf(RUN_TOOL, job, { job_id: '101' }, { parameters: nasty }), 'x'.repeat(5_000), 'Change');
  expect(refuseView(view)).toBeNull();
  expect(JSON.stringify(view)).not.toContain('\u202e');
});

describe.each(catalog.filter((tool) => tool.kind === 'write'))('the form for $name', (tool) => {
  const schema = z.toJSONSchema(tool.input, { io: 'input' }) as Record<string, unknown>;
  const { fields: own } = fieldsOf(tool.name, schema, {}, {});

  test('is one that Slack takes, with a field for every argument that people write', () => {
    expect(refuseView(editForm('s1/1', { fields: own, tooLong: [], noRoom: [] }, 'What you change is looked up again.', 'Change'))).toBeNull();
    const form = editForm('s1/1', { fields: own, tooLong: [], noRoom: [] }, 'x', 'Change').blocks as { type: string; optional?: boolean }[];
    const needed = (schema as { required?: string[] }).required ?? [];
    expect(form.filter((b) => b.type === 'input' && b.optional === false)).toHaveLength(needed.length);
    const names = Object.keys((schema as { properties: object }).properties).filter((name) => !['note', 'idempotency_token'].includes(name));
    expect(own.map((f) => f.path[0])).toEqual(names);
  });

  test('sent as it was opened it changes nothing, and nothing but a list of objects or an object is written as JSON', () => {
    expect(
      readFields(
        own,
        own.map((f) => f.value),
        {},
      ),
    ).toEqual({ input: {}, changed: 0 });
    for (const f of own.filter((f) => f.kind === 'json')) expect(f.hint).toMatch(/^JSON, as \[?\{/);
  });
});
