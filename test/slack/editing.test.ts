import { afterEach, beforeEach, expect, test } from 'vitest';
import { z } from 'zod';
import { openEditing } from '../../src/agent/reconsider-call.ts';
import { digestOf } from '../../src/policy/digest.ts';
import { masked, suspicion } from '../../src/policy/secrets.ts';
import type { Preview, SessionEvent } from '../../src/session/events.ts';
import { actions, button } from '../../src/slack/views/rich.ts';
import { done, type Tool, ToolError, writeTool } from '../../src/tools/define-tool.ts';
import { replied } from '../session/logs.ts';
import { aDesk, permissions, until, whispersTo } from './a-desk.ts';

/** What the call would act on, as it is now. */
/** What this version of labmate has: another one is deployed by putting something else here. */
const catalog: Tool[] = [];
const deploy = (now: Tool) => void catalog.splice(0, 1, now);
let acts: Pick<Preview, 'target' | 'environment'>;
let mayWrite: string[];
const takes = z.strictObject({
  title: z.string(),
  files: z.string(),
  draft: z.boolean().optional(),
  labels: z
    .array(z.string().refine((label) => !label.includes(' '), 'a label'))
    .max(2)
    .optional(),
});
const tool = writeTool({
  name: 'hand_in',
  title: 'Hand in',
  description: 'Hands in.',
  input: takes,
  output: z.object({}),
  needs: [],
  destructive: false,
  idempotent: false,
  recovery: 'same-key',
  timeoutMs: 1_000,
  plan: async (args) => {
    if (args.title === 'gone') throw new ToolError('TITLE_NOT_FOUND', 'Nobody has the title gone.', 'look for the title with list_titles.');
    if (args.files === 'gone') throw new ToolError('NO_SUCH_FILES', 'There are no such files.', 'name others.').about('files');
    return { kind: 'plan', arguments: args, touches: { paths: [args.files] }, preview: { summary: 'Hand in', facts: [], changes: [], ...acts } };
  },
  run: async () => done('Done.', {}),
});

let desk: Awaited<ReturnType<typeof aDesk>>;
let id: string;
let card: string;
beforeEach(async () => {
  acts = { target: 'a'.repeat(64), environment: 'dev' };
  mayWrite = ['*'];
  deploy(tool);
  const editing = openEditing(catalog, {
    services: {},
    settings: { defaults: {}, metrics: {}, thresholdReading: 'relative', recordsPath: 'experiments', environments: {} },
    permissions: {
      ...permissions,
      allow: {
        ...permissions.allow,
        get paths() {
          return mayWrite;
        },
      },
    },
    now: Date.now,
    clean: masked,
    suspect: suspicion([]),
    root: async () => null,
    entries: async () => [],
  });
  desk = await aDesk('socket', { door: { editing } });
  await desk.workspace.act({ as: 'U1', do: 'command', command: '/experiment', text: 'Hand it in', channel: 'C0ML' });
  id = (await desk.log.reading.list('T1'))[0]?.session ?? '';
});
afterEach(() => desk.close());

/** The session asks whether this may be handed in, on a card of its own. */
async function ask(files: string): Promise<void> {
  const { log } = desk.log;
  const lease = await log.claim(desk.log.owner(id), 5_000);
  const input = { title: 't', files };
  const events: SessionEvent[] = [
    replied(1, [{ id: 'c1', tool: tool.name, input }]),
    {
      type: 'call_parked',
      call: 'c1',
      waiting: {
        for: 'approval',
        approval: `${id}/1`,
        digest: digestOf(tool.name, input),
        arguments: input,
        preview: { summary: 'Hand in', facts: [], changes: [], ...acts },
        expires_at: new Date(Date.now() + 3_600_000).toISOString(),
        need: 1,
      },
    },
  ];
  await log.commit(desk.log.owner(id), lease?.fence ?? 0, await log.tip(id), events, { is: '' });
  await desk.tell(id);
  card = desk.slots.now()['card:2']?.ts ?? '';
}

/** An approver opens the form, writes something else, and sends it. Answers the form as it stands then. */
async function edit(title: string, others: Record<string, string> = {}, meanwhile = () => {}) {
  const { act, world } = desk.workspace;
  await act({ as: 'U2', do: 'click', channel: 'C0ML', ts: card, actionId: 'edit_call' });
  const modal = await until(() => world.data.modals.find((m) => m.user === 'U2' && m.view['callback_id'] === 'edit_arguments'));
  const { submit, blocks } = modal.view as { submit?: { text: string }; blocks: { text?: { text: string } }[] };
  const fields = fieldsIn(modal.view);
  meanwhile();
  await act({
    as: 'U2',
    do: 'submit',
    modal: modal.id,
    values: Object.fromEntries(Object.entries({ title, ...others }).map(([name, value]) => [fields.get(name), { value }])),
  });
  const errors = world.data.modals.find((m) => m.id === modal.id)?.errors ?? {};
  const under = Object.fromEntries([...fields].flatMap(([name, block]) => (block in errors ? [[name, errors[block]]] : [])));
  return { says: blocks[0]?.text?.text, submit: submit?.text, errors: Object.values(errors), under };
}

/** The block of each field, by the argument's name. */
const fieldsIn = (view: Record<string, unknown>) =>
  new Map((view['blocks'] as { block_id: string; label?: { text: string } }[]).flatMap((b) => (b.label ? [[b.label.text.toLowerCase(), b.block_id]] : [])));

const approval = async (ref: string) => (await desk.log.reading.session(id))?.approvals.get(ref);
/** What was asked in place of it. */
const edited = async () => [...((await desk.log.reading.session(id))?.approvals.values() ?? [])].find((a) => a.edits);

test('a change of what could be read whole, by somebody who may, is their yes', async () => {
  await ask('small');
  const says =
    'What you change is checked and asked anew: earlier votes no longer count. Sending it is your yes, unless it brings up something that this card did not show.';
  expect(await edit('better')).toMatchObject({ says, submit: 'Change and approve', errors: [] });
  expect(await edited()).toMatchObject({ state: 'approved', arguments: { title: 'better' } });
});

test('what is too long to be shown whole is approved by no form and no old button', async () => {
  await ask('x'.repeat(70_000));
  // A card of an older labmate, or a forged click.
  const old = await desk.slack.post({
    channel: 'C0ML',
    text: 'Approval needed',
    blocks: [actions('old', button('approve_call', 'Approve', `${id}/1`))],
    mark: { session: id, slot: 'old' },
  });
  await desk.workspace.act({ as: 'U2', do: 'click', channel: 'C0ML', ts: old.ts, actionId: 'approve_call' });
  await until(() => whispersTo(desk.workspace, 'U2').find((t) => t.includes('too long to be shown whole')));
  expect(await approval(`${id}/1`)).toMatchObject({ state: 'pending', votes: [] });

  expect(await edit('better')).toMatchObject({ submit: 'Change', errors: [] });
  expect(await edited()).toMatchObject({ state: 'pending', votes: [] });
});

test('a yes that comes with a change is none where the call has become too long to be shown whole, and says so', async () => {
  await ask('x'.repeat(59_900));
  expect(await edit('y'.repeat(500))).toMatchObject({ submit: 'Change and approve', errors: [] });
  await until(() => whispersTo(desk.workspace, 'U2').find((t) => /^It is changed, .*too long to be shown whole/.test(t)));
  expect(await edited()).toMatchObject({ state: 'pending', votes: [] });
});

test.each([
  ['target', { target: 'b'.repeat(64), environment: 'dev' }],
  ['environment', { target: 'a'.repeat(64), environment: 'staging' }],
])('a yes that comes with a change is none where the %s is another one than was shown', async (_what, now) => {
  await ask('small');
  acts = now;
  expect((await edit('better')).errors).toEqual([]);
  expect(await edited()).toMatchObject({ state: 'pending', votes: [], preview: now });
});

test.each([
  ['Deny', 'deny_call', 'deny_reason', { reason: { reason: { value: 'no' } } }],
  ['Edit', 'edit_call', 'edit_arguments', null],
])('whoever was quicker is named in the dialog %s, which shows no mention', async (_title, actionId, callback, values) => {
  await ask('small');
  const { act, world } = desk.workspace;
  await act({ as: 'U2', do: 'click', channel: 'C0ML', ts: card, actionId });
  const modal = await until(() => world.data.modals.find((m) => m.user === 'U2' && m.view['callback_id'] === callback));
  await desk.log.deliver('quicker', { do: 'deny', session: id, approval: `${id}/1`, by: 'U3' });
  const [title = ''] = fieldsIn(modal.view).values();
  await act({ as: 'U2', do: 'submit', modal: modal.id, values: values ?? { [title]: { value: { value: 'better' } } } });
  const { name = '?' } = (await desk.slack.person('U3')) ?? {};
  expect(Object.values(world.data.modals.find((m) => m.id === modal.id)?.errors ?? {})).toEqual([expect.stringContaining(`denied already by ${name} at`)]);
  await act({ as: 'U2', do: 'click', channel: 'C0ML', ts: card, actionId });
  await until(() => world.data.modals.find((m) => m.user === 'U2' && JSON.stringify(m.view).includes(`denied already by ${name} at`)));
});

test('a credential in a change is refused under its field, and nothing is stored', async () => {
  await ask('small');
  const { under } = await edit('better', { files: `token ghp_${'a1B2'.repeat(9)}` });
  expect(under).toEqual({ files: expect.stringContaining('holds a credential') });
  expect(await approval(`${id}/1`)).toMatchObject({ state: 'pending' });
});

test("line ends of Windows, in what was asked for and in what is sent, are no change and are sent on as Slack's own", async () => {
  await ask('a\r\nb');
  expect((await edit('t')).errors).toEqual(['Nothing is changed.']);
  expect((await edit('t', { files: 'a\r\nb' })).errors).toEqual(['Nothing is changed.']);
  expect((await edit('t', { files: 'a\r\nb\r\nc' })).errors).toEqual([]);
  expect(await edited()).toMatchObject({ state: 'approved', arguments: { files: 'a\nb\nc' } });
});

test('a yes or no is chosen and a list is written a line each, and both count as written', async () => {
  await ask('small');
  expect((await edit('t', { draft: 'yes', labels: 'ablation\nads' })).errors).toEqual([]);
  expect(await edited()).toMatchObject({ state: 'approved', arguments: { draft: true, labels: ['ablation', 'ads'] } });
});

test.each([
  ['what a tool finds wrong, without what is meant for the model', 'gone', {}, 'Nobody has the title gone.'],
  ['too many', 't', { labels: 'a\nb\nc' }, 'It may have at most 2 items.'],
  ['what is not taken', 't', { labels: 'a\nb c' }, 'Item 2 must be a label.'],
])('a person reads in a sentence %s', async (_what, title, others, why) => {
  await ask('small');
  expect((await edit(title, others)).errors).toEqual([why]);
  expect(await approval(`${id}/1`)).toMatchObject({ state: 'pending' });
});

test('what a tool finds wrong stands under the argument it is about, though another field was changed before it', async () => {
  await ask('small');
  expect((await edit('better', { files: 'gone' })).under).toEqual({ files: 'There are no such files.' });
});

test('what labmate.json does not allow stands under the argument it is about, though another field was changed before it', async () => {
  await ask('small');
  mayWrite = ['small'];
  const { under } = await edit('better', { files: 'src/train.py' });
  expect(under).toEqual({ files: expect.stringContaining('src/train.py is not in allow.paths') });
});

test('a form that is open while another order of fields, and one more, are deployed is read by their names', async () => {
  await ask('small');
  const { title, files, draft, labels } = takes.shape;
  const later = { ...tool, input: z.strictObject({ labels, reviewers: z.string().optional(), files, draft, title }) };
  expect((await edit('better', {}, () => deploy(later))).errors).toEqual([]);
  expect(await edited()).toMatchObject({ state: 'approved', arguments: { title: 'better', files: 'small' } });
});

test.each<[string, z.ZodObject]>([
  ['written otherwise', takes.extend({ draft: z.array(z.string()).optional() })],
  ['gone', takes.omit({ draft: true })],
  ['called otherwise', takes.omit({ title: true }).extend({ heading: z.string().optional() })],
])('a form one of whose fields is %s since it was opened changes nothing and says what to do', async (_what, input) => {
  await ask('small');
  const { errors } = await edit('better', {}, () => deploy({ ...tool, input }));
  expect(errors).toEqual(['What can be changed here is not what it was when this form was opened, so nothing is changed. Close it and choose Edit again.']);
  expect(await approval(`${id}/1`)).toMatchObject({ state: 'pending' });
  expect(await edited()).toBeUndefined();
});
