import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { Command, Deliver, Delivered } from '../../src/runtime/commands.ts';
import { editedApproval } from '../../src/session/approval-id.ts';
import type { SessionEvent } from '../../src/session/events.ts';
import type { Desk } from '../../src/slack/desk.ts';
import { asks, replied } from '../session/logs.ts';
import { aDesk, until, whispersTo } from './a-desk.ts';

type Then = 'stored' | 'lost';
/** A store whose answer to the next command of a kind never comes: what was sent is in, or is not. */
function unsureOnce() {
  let now: { of: Command['do']; then: Then } | null = null;
  let real: Deliver = async () => ({ is: 'late' });
  const lost = new Set<string>();
  const deliver: Deliver = async (key, command, options): Promise<Delivered> => {
    if (lost.has(key)) return { is: 'late' };
    if (now?.of !== command.do) return real(key, command, options);
    const { then } = now;
    now = null;
    if (then === 'stored') await real(key, command, options);
    else lost.add(key);
    throw new Error('the connection is gone');
  };
  return {
    deliver,
    over: (deliverer: Deliver) => {
      real = deliverer;
    },
    next: (of: Command['do'], then: Then) => {
      now = { of, then };
    },
    /** What was lost can be stored when it is sent again. */
    back: () => lost.clear(),
  };
}

const editing: Desk['editing'] = {
  schemaOf: async () => ({
    type: 'object',
    properties: { job_id: { type: 'string' }, parameters: { type: 'object', additionalProperties: { type: 'string' } } },
  }),
  reconsider: async (_session, _call, input) => ({
    is: 'asks',
    digest: 'e'.repeat(64),
    // What was shown stands there still.
    arguments: { parameters: { feature_set: 'v2' }, ...input },
    preview: { summary: 'Run job 101 otherwise', environment: 'dev', facts: [], changes: [] },
    expiresAfterMs: 60_000,
  }),
};

let desk: Awaited<ReturnType<typeof aDesk>>;
let redis: ReturnType<typeof unsureOnce>;
let id: string;
let card: string;
beforeEach(async () => {
  redis = unsureOnce();
  desk = await aDesk('socket', { door: { deliver: redis.deliver, editing } });
  redis.over(desk.log.deliver);
  await act({ as: 'U1', do: 'command', command: '/experiment', text: 'Run job 101', channel: 'C0ML' });
  id = (await desk.log.reading.list('T1'))[0]?.session ?? '';
  const { log } = desk.log;
  const lease = await log.claim(desk.log.owner(id), 5_000);
  const asked = [
    replied(1, [{ id: 'c1', tool: 'run_databricks_job', input: { job_id: '101' } }]),
    asks('c1', `${id}/1`, new Date(Date.now() + 3_600_000).toISOString()),
  ];
  await log.commit(desk.log.owner(id), lease?.fence ?? 0, await log.tip(id), asked satisfies SessionEvent[], { is: '' });
  await desk.tell(id);
  card = desk.slots.now()['card:2']?.ts ?? '';
});
afterEach(() => desk.close());

const act = (...what: Parameters<typeof desk.workspace.act>) => desk.workspace.act(...what);
const modal = (as: string) => desk.workspace.world.data.modals.filter((m) => m.user === as).at(-1);
const shows = (as: string, words: string) => until(() => [modal(as)].find((m) => JSON.stringify(m?.view ?? '').includes(words)));
const form = (as: string, callback: string) => until(() => [modal(as)].find((m) => m?.view['callback_id'] === callback));
const click = (as: string, actionId: string) => act({ as, do: 'click', channel: 'C0ML', ts: card, actionId });
const typed = (values: Record<string, string>) => Object.fromEntries(Object.entries(values).map(([name, value]) => [name, { [name]: value }]));

/** Each form: who fills it, how it opens, what is sent, the command that it comes to. */
const FORMS: Record<
  string,
  {
    as: string;
    callback: string;
    open: () => Promise<unknown>;
    /** By block, or by the label on it. */
    values: Record<string, Record<string, string>>;
    comesTo: Command['do'];
  }
> = {
  'a denial': { as: 'U2', callback: 'deny_reason', open: () => click('U2', 'deny_call'), values: typed({ reason: 'not now' }), comesTo: 'deny' },
  'a changed call': {
    as: 'U2',
    callback: 'edit_arguments',
    open: () => click('U2', 'edit_call'),
    values: { Job: { value: '102' } },
    comesTo: 'edit',
  },
  'a repetition': {
    as: 'U1',
    callback: 'new_experiment',
    open: async () => {
      await act({ as: 'U1', do: 'command', command: '/experiment', text: '', channel: 'C0ML' });
      const first = await form('U1', 'new_experiment');
      const fields = { job: '101', config: 'base.json', changes: 'feature_set=v2', metric: 'val_f1', baseline: 'the best run', threshold: '1%', next: 'tell' };
      await act({ as: 'U1', do: 'submit', modal: first.id, values: typed(fields) });
      await until(() => modal('U1')?.id !== first.id);
    },
    values: typed({ prompt: 'Run job 101 with lr=0.1' }),
    comesTo: 'open',
  },
};

const send = (as: string, id: string, values: Record<string, Record<string, string>>) => {
  const blocks = desk.workspace.world.data.modals.find((m) => m.id === id)?.view['blocks'] as { block_id: string; label?: { text: string } }[];
  const named = Object.entries(values).map(([name, value]) => [blocks.find((b) => b.label?.text === name)?.block_id ?? name, value]);
  return act({ as, do: 'submit', modal: id, values: Object.fromEntries(named) });
};

describe('a form of which nobody knows in time whether it was stored', () => {
  test.each(Object.keys(FORMS))('%s: says so, and then that it was stored after all', async (name) => {
    const { as, callback, open, values, comesTo } = FORMS[name] ?? ({} as never);
    await open();
    const { id: view } = await form(as, callback);
    redis.next(comesTo, 'stored');
    await send(as, view, values);
    expect(JSON.stringify(modal(as)?.errors)).toContain('I could not confirm within 2 seconds');
    expect((await shows(as, 'stored after all')).errors).toEqual({});
    // "Change and approve" is both, also when the change was stored late.
    if (comesTo === 'edit') expect((await desk.log.reading.session(id))?.approvals.get(editedApproval(`${id}/1`, 'e'.repeat(64)))?.state).toBe('approved');
  });

  test('a changed call whose yes is lost says so, and only that', async () => {
    const { as, callback, open, values } = FORMS['a changed call'] ?? ({} as never);
    await open();
    const { id: view } = await form(as, callback);
    redis.next('approve', 'lost');
    expect(await send(as, view, values)).toEqual({ ok: true });
    await until(() => whispersTo(desk.workspace, as).find((t) => t.startsWith('It is changed, but your yes to it could not be stored.')));
    expect((await desk.log.reading.session(id))?.approvals.get(editedApproval(`${id}/1`, 'e'.repeat(64)))?.state).toBe('pending');
  });

  test('that was lost stands there as it was, says so, and counts when it is sent again', async () => {
    const { as, callback, open, values, comesTo } = FORMS['a denial'] ?? ({} as never);
    await open();
    const { id: view } = await form(as, callback);
    redis.next(comesTo, 'lost');
    await send(as, view, values);
    const again = await shows(as, 'It was not stored, and nothing was done.');
    expect(JSON.stringify(again.view['blocks'])).toContain('"block_id":"reason"');
    redis.back();
    expect(await send(as, view, values)).toEqual({ ok: true });
    expect((await desk.log.reading.session(id))?.approvals.get(`${id}/1`)?.state).toBe('denied');
  });

  test('and was closed meanwhile: whoever filled it in is told privately where its card stands', async () => {
    const { as, callback, open, values, comesTo } = FORMS['a denial'] ?? ({} as never);
    await open();
    const { id: view } = await form(as, callback);
    redis.next(comesTo, 'stored');
    await send(as, view, values);
    await act({ as, do: 'close', modal: view });
    await until(() => whispersTo(desk.workspace, as).find((t) => /^Deny: It was stored after all/.test(t)));
  });
});

test.each([
  ['stored', 'It was stored after all'],
  ['lost', 'It was not stored'],
] as const)('a message run as an experiment that may be %s: whoever picked it is told later', async (then, words) => {
  const { ts = '' } = await act({ as: 'U1', do: 'say', text: 'run job 101 with lr=0.1', channel: 'C0ML' });
  redis.next('open', then);
  await act({ as: 'U1', do: 'shortcut', callbackId: 'run_as_experiment', channel: 'C0ML', ts });
  await until(() => whispersTo(desk.workspace, 'U1').find((t) => t.includes('I could not confirm')));
  await until(() => whispersTo(desk.workspace, 'U1').find((t) => t.includes(words)));
});
