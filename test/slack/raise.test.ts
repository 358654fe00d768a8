import { afterEach, expect, test } from 'vitest';
import type { Deliver } from '../../src/runtime/commands.ts';
import { replied } from '../session/logs.ts';
import { aDesk, until, whispersTo } from './a-desk.ts';

let desk: Awaited<ReturnType<typeof aDesk>>;
afterEach(() => desk.close());

test('two approvers who raise a budget at the same moment double it once', async () => {
  let coming = 0;
  let both = () => {};
  const gathered = new Promise<void>((resolve) => {
    both = resolve;
  });
  let real: Deliver = async () => ({ is: 'late' });
  // Each has seen the limit before either is stored.
  const deliver: Deliver = async (key, command, options) => {
    if (command.do === 'tell' && command.kind === 'raise') {
      coming += 1;
      if (coming === 2) both();
      await gathered;
    }
    return real(key, command, options);
  };
  desk = await aDesk('socket', { door: { deliver } });
  real = desk.log.deliver;
  const { workspace, log } = desk;
  await workspace.act({ as: 'U1', do: 'command', command: '/experiment', text: 'Run it', channel: 'C0ML' });
  const id = (await log.reading.list('T1'))[0]?.session ?? '';
  const lease = await log.log.claim(log.owner(id), 5_000);
  const atLimit = [replied(1, [{ id: 'c1', tool: 'look' }]), { type: 'noted', about: 'limit', text: 'It has had its 40 model turns.' }] as const;
  await log.log.commit(log.owner(id), lease?.fence ?? 0, await log.log.tip(id), [...atLimit], { is: '' });
  await desk.tell(id);
  const ts = desk.slots.now()['limit:3']?.ts ?? '';

  const click = (as: string) => workspace.act({ as, do: 'click', channel: 'C0ML', ts, actionId: 'raise_budget' });
  await Promise.all([click('U2'), click('U3')]);
  for (const user of ['U2', 'U3']) await until(() => whispersTo(workspace, user).find((t) => t.includes('limits are doubled')));
  expect((await log.reading.session(id))?.raised).toBe(1);
});
