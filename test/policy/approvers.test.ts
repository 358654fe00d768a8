import { describe, expect, test } from 'vitest';
import { type Clicker, mayApprove, mayDeny } from '../../src/policy/approvers.ts';
import { type ApproverRule, approversOf } from '../../src/policy/rules.ts';

const rule = (more: Partial<ApproverRule> = {}): ApproverRule => ({
  users: ['U2'],
  groups: ['S1'],
  quorum: 1,
  requesterMayApprove: false,
  expiresAfterMs: 1,
  channel: null,
  ...more,
});
const person = (id: string, more: Partial<Clicker> = {}): Clicker => ({ id, team: 'T1', bot: false, guest: false, stranger: false, deleted: false, ...more });
const ask = (user: Clicker | null, r: ApproverRule | null = rule()) => ({ user, team: 'T1', requester: 'U1', rule: r, groupMembers: ['U3', 'U1'] });

const cases: [string, ReturnType<typeof ask>, string | null][] = [
  ['a named approver', ask(person('U2')), null],
  ['a member of the group', ask(person('U3')), null],
  ['somebody else', ask(person('U4')), 'not among those who may approve this'],
  ['the requester, although in the group', ask(person('U1')), 'another approver'],
  ['the requester, where the rule lets them', ask(person('U1'), rule({ requesterMayApprove: true })), null],
  ['a guest', ask(person('U2', { guest: true })), 'Guests'],
  ['somebody of another workspace', ask(person('U2', { team: 'T2' })), 'another workspace'],
  ['a stranger in a shared channel', ask(person('U2', { stranger: true })), 'another workspace'],
  ['a deactivated account', ask(person('U2', { deleted: true })), 'deactivated'],
  ['an app', ask(person('U2', { bot: true })), 'Apps cannot'],
  ['nobody whom Slack knows', ask(null), 'does not know'],
  ['an approver where nobody is configured', ask(person('U2'), null), 'names nobody'],
];

describe('may approve', () => {
  test.each(cases)('%s', (_, question, why) => {
    const may = mayApprove(question);
    expect(may.ok ? null : may.why).toEqual(why === null ? null : expect.stringContaining(why));
  });

  test('the requester may deny, an outsider may not, a guest never', () => {
    expect(mayDeny(ask(person('U1'))).ok).toBe(true);
    expect(mayDeny(ask(person('U1'), null)).ok).toBe(true);
    expect(mayDeny(ask(person('U4'))).ok).toBe(false);
    expect(mayDeny(ask(person('U1', { guest: true }))).ok).toBe(false);
  });
});

test('a tool named like what every object has finds the default rule, and no rule without people', () => {
  const approvers = { default: rule() };
  for (const tool of ['constructor', 'toString', '__proto__', 'valueOf']) expect(approversOf(tool, approvers)).toBe(approvers.default);
  expect(approversOf('constructor', {})).toBeNull();
  expect(approversOf('x', { default: rule({ users: [], groups: [] }) })).toBeNull();
});
