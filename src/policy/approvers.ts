import type { ApproverRule } from './rules.ts';

/** Who clicked, as Slack knows them at the moment of the click; never what a payload says. */
export type Clicker = { id: string; team: string; bot: boolean; guest: boolean; stranger: boolean; deleted: boolean };

export type May = { ok: true } | { ok: false; why: string };

/** Whether somebody may act here at all: a full member of this workspace, and a person. `null`: Slack does not know them. */
export function mayAct(user: Clicker | null, team: string): May {
  if (!user) return no('Slack does not know this account.');
  if (user.deleted) return no('This account is deactivated.');
  if (user.bot) return no('Apps cannot do this; a person has to.');
  if (user.stranger || user.team !== team) return no('You belong to another workspace; only members of this one can do this.');
  if (user.guest) return no('Guests cannot do this; a full member of the workspace has to.');
  return { ok: true };
}

type Question = {
  user: Clicker | null;
  team: string;
  requester: string;
  /** Null: nobody is configured, so nobody may. */
  rule: ApproverRule | null;
  /** Members of all of the rule's groups, looked up at the click. */
  groupMembers: readonly string[];
};

/** Whether this person's yes counts for a call under this rule. Fails closed. */
export function mayApprove({ user, team, requester, rule, groupMembers }: Question): May {
  if (!rule) return no('labmate.json names nobody who may approve this, so nobody can. An operator has to add approvers.');
  const member = mayAct(user, team);
  if (!member.ok || !user) return member;
  if (!rule.users.includes(user.id) && !groupMembers.includes(user.id)) return no('You are not among those who may approve this.');
  if (user.id === requester && !rule.requesterMayApprove) return no('You asked for it, so another approver has to say yes.');
  return { ok: true };
}

/** A no is the safe direction: who may approve may deny, and so may the requester. */
export function mayDeny(question: Question): May {
  const member = mayAct(question.user, question.team);
  if (!member.ok) return member;
  if (question.user?.id === question.requester) return { ok: true };
  return mayApprove(question);
}

/** Whoever asked may put it differently, and so may who decides; whether that counts as a yes is another question. */
export function mayEdit(question: Question): May {
  const member = mayAct(question.user, question.team);
  if (!member.ok || !question.user) return member;
  const { user, requester, rule, groupMembers } = question;
  if (user.id === requester || rule?.users.includes(user.id) || (rule && groupMembers.includes(user.id))) return { ok: true };
  return no('Only whoever asked for it or one of its approvers may change it.');
}

function no(why: string): May {
  return { ok: false, why };
}
