import { afterEach, expect, test } from 'vitest';
import { narrate } from '../../src/slack/narrate.ts';
import { makeShow } from '../../src/slack/reconcile.ts';
import { asks, opened, replied, START, sessionOf } from '../session/logs.ts';
import { aDesk, inMemory, permissions, silent } from './a-desk.ts';

let desk: Awaited<ReturnType<typeof aDesk>>;
afterEach(() => desk.close());

test('where labmate may not post to the approvers, the thread says that nobody has been asked; once it is let in, the card stands there', async () => {
  desk = await aDesk('http');
  const { data } = desk.workspace.world;
  const rule = { ...permissions.approvers['default'], channel: 'C0APPROVE' } as never;
  const show = makeShow({
    slack: desk.slack,
    narrate: (s, _progress, now, links, missing) => narrate(s, { approvers: { default: rule }, channels: ['C0RANDOM'], now, links, missing }),
    blob: async () => new Uint8Array(),
    log: silent,
  });
  const events = [opened(), replied(1, [{ id: 'c1', tool: 'run_databricks_job' }]), asks('c1', 's1/1', new Date(START + 86_400_000).toISOString())];
  const slots = inMemory();
  const look = () => show(sessionOf(events), slots, async () => 0, START + 200_000, []);
  const says = (channel: string) => JSON.stringify(data.messages.filter((m) => m.channel === channel).map((m) => m.blocks));

  expect(await look()).toMatchObject({ againInMs: 2_000 });
  expect(await look()).toMatchObject({ againInMs: 300_000 });
  expect(says('C0ML')).toContain('Nobody has been asked yet: labmate may not post in ');
  expect(says('C0ML')).not.toContain('is asked for in');
  expect(says('C0ML')).not.toContain('approve_call');

  data.channels.push({ id: 'C0APPROVE', name: 'ml-approvals' });
  await look();
  await look();
  expect(says('C0APPROVE')).toContain('approve_call');
  expect(says('C0ML')).toContain('is asked for in');
  expect(says('C0ML')).not.toContain('Nobody has been asked');
});
