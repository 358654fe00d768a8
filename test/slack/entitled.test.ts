import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import type { ApproverRule } from '../../src/policy/rules.ts';
import { slackService } from '../../src/services/slack.ts';
import { canBeAsked, checkEntitlement, lookAhead } from '../../src/slack/entitled.ts';
import { approved, asks, opened, replied, sessionOf } from '../session/logs.ts';
import { aDesk } from './a-desk.ts';

let desk: Awaited<ReturnType<typeof aDesk>>;
beforeEach(async () => {
  desk = await aDesk('http');
});
afterEach(() => desk.close());

const rule = (more: Partial<ApproverRule>): ApproverRule => ({
  users: [],
  groups: [],
  quorum: 1,
  requesterMayApprove: false,
  expiresAfterMs: 1,
  channel: null,
  ...more,
});

test.each<[string, Partial<ApproverRule>, string, string | null]>([
  ['a group with somebody in it', { groups: ['S1'] }, 'C0ML', null],
  ['only who asked for it', { users: ['U1'] }, 'C0ML', 'nobody can give it now. One of them asked for it and may not approve it.'],
  ['only a guest', { users: ['U5'] }, 'C0ML', 'of the 1 person that labmate.json names (groups looked up) nobody can give it'],
  ['two, of whom one asked for it', { users: ['U1', 'U2'], quorum: 2 }, 'C0ML', "needs 2 people's yes"],
  ['two others', { users: ['U2', 'U3'], quorum: 2 }, 'C0ML', null],
  ['somebody, but the experiment is where no approver looks', { users: ['U2'] }, 'none', 'approvers.default.channel, in labmate.json'],
  ['somebody, and a channel of theirs for an experiment from elsewhere', { users: ['U2'], channel: 'C0ML' }, 'D0DM', null],
])('before a card is drawn: %s', async (_what, given, channel, why) => {
  const answer = await canBeAsked(desk.slack, channel === 'none' ? [] : ['C0ML'])(sessionOf([{ ...opened(), channel }]), rule(given));
  expect(answer.ok ? null : answer.why).toEqual(why === null ? null : expect.stringContaining(why));
});

test('where Slack does not say, people are asked; a call is not made', async () => {
  const away = slackService({ token: 'xoxb-x', apiUrl: 'http://127.0.0.1:1/api/' });
  expect(await canBeAsked(away, ['C0ML'])(sessionOf([opened()]), rule({ users: ['U2'] }))).toEqual({ ok: true });
  await expect(checkEntitlement(away)(sessionOf([opened()]), ['U2'], rule({ users: ['U2'] }))).rejects.toThrow();
});

test('at the call everybody is looked up anew: who was deactivated a second ago has said yes in vain', async () => {
  const still = checkEntitlement(desk.slack);
  const session = sessionOf([opened()]);
  expect(await still(session, ['U2', 'U2'], rule({ users: ['U2', 'U3'] }))).toEqual({ ok: true });
  // One person is one yes, however often they are named.
  expect((await still(session, ['U2', 'U2'], rule({ users: ['U2', 'U3'], quorum: 2 }))).ok).toBe(false);
  const user = desk.workspace.world.data.users.find((u) => u.id === 'U2');
  if (user) user.deleted = true;
  expect((await still(session, ['U2'], rule({ users: ['U2', 'U3'] }))).ok).toBe(false);
  const group = desk.workspace.world.data.groups.find((g) => g.id === 'S1');
  expect(await still(session, ['U3'], rule({ groups: ['S1'] }))).toEqual({ ok: true });
  if (group) group.users = group.users.filter((u) => u !== 'U3');
  expect((await still(session, ['U3'], rule({ groups: ['S1'] }))).ok).toBe(false);
});

test('a look that was begun while the session was taken up is good for one call, of the same people, and not for long', async () => {
  const users = rule({ users: ['U2', 'U3'] });
  const check = checkEntitlement(desk.slack);
  let looks = 0;
  const { foresee, stillEntitled } = lookAhead(
    (...asked) => {
      looks += 1;
      return check(...asked);
    },
    () => users,
  );
  const yes = () => sessionOf([opened(), replied(1, [{ id: 'c1', tool: 'run_databricks_job' }]), asks('c1'), approved('c1')]);
  const session = yes();
  foresee(sessionOf([opened()]));
  expect(looks).toBe(0);
  foresee(session);
  expect([await stillEntitled(session, ['U2'], users), looks]).toEqual([{ ok: true }, 1]);

  const user = desk.workspace.world.data.users.find((u) => u.id === 'U2');
  if (user) user.deleted = true;
  expect((await stillEntitled(session, ['U2'], users)).ok).toBe(false);
  foresee(session);
  expect([await stillEntitled(session, ['U3'], users), looks]).toEqual([{ ok: true }, 4]);

  if (user) user.deleted = false;
  const begunBefore = looks;
  const stop = { type: 'told', by: 'U1', text: '', ts: null, kind: 'stop', standing: 'requester' } as const;
  foresee(sessionOf([opened(), replied(1, [{ id: 'c1', tool: 'run_databricks_job' }]), asks('c1'), approved('c1'), stop]));
  foresee(sessionOf([{ ...opened(), door: 'mcp' }, replied(1, [{ id: 'c1', tool: 'run_databricks_job' }]), asks('c1'), approved('c1')]));
  expect(looks).toBe(begunBefore);

  const late = yes();
  foresee(late);
  await stillEntitled(yes(), ['U2'], users);
  if (user) user.deleted = true;
  const began = performance.now();
  const clock = vi.spyOn(performance, 'now').mockImplementation(() => began + 1_000);
  expect((await stillEntitled(late, ['U2'], users)).ok).toBe(false);
  clock.mockRestore();
});
