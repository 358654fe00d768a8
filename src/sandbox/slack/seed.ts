import type { SandboxChannel, SandboxUser } from '../control-types.ts';

export const team = { id: 'T1', domain: 'acme-ml', name: 'Acme ML' };
export const app = { id: 'A1', bot: 'UBOT', botId: 'B1', commands: ['/experiment'] };
/** Who speaks when Slack itself has to say something to one person. */
export const slackbot = 'USLACKBOT';

const person = (id: string, name: string, realName: string, role: SandboxUser['role']): SandboxUser => ({
  id,
  name,
  realName,
  role,
  guest: role === 'guest',
  deleted: false,
});

export const users: SandboxUser[] = [
  person('U1', 'priya', 'Priya', 'requester'),
  person('U2', 'sam', 'Sam', 'approver'),
  person('U3', 'alex', 'Alex', 'second approver'),
  person('U4', 'oscar', 'Oscar', 'outsider'),
  person('U5', 'gwen', 'Gwen', 'guest'),
  person(app.bot, 'labmate', 'labmate', 'bot'),
  person(slackbot, 'slackbot', 'Slackbot', 'bot'),
];

export const channels: SandboxChannel[] = [
  { id: 'C0ML', name: 'ml-experiments' },
  { id: 'C0RANDOM', name: 'random' },
  ...users.filter((u) => u.role !== 'bot').map((u) => ({ id: `D${u.id.slice(1)}`, name: 'labmate', im: u.id })),
];

export const groups: Group[] = [{ id: 'S1', handle: 'ml-approvers', name: 'ML approvers', users: ['U2', 'U3'] }];

export type Group = { id: string; handle: string; name: string; users: string[] };
