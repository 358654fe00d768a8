import { mayApprove } from '../policy/approvers.ts';
import type { ApproverRule } from '../policy/rules.ts';
import type { SlackService } from '../services/slack.ts';
import type { Session } from '../session/state.ts';

/** Looks again, at the moment of the call, whether those who approved may still do so: people leave groups, and companies. */
export function checkEntitlement(slack: SlackService | undefined) {
  return async (session: Session, by: readonly string[], rule: ApproverRule): Promise<{ ok: true } | { ok: false; why: string }> => {
    if (!slack) return { ok: false, why: 'Slack is not configured, so nobody can be looked up.' };
    const groupMembers = (await Promise.all(rule.groups.map((g) => slack.groupMembers(g, true)))).flat();
    let valid = 0;
    for (const user of by) {
      const may = mayApprove({ user: await slack.person(user), team: session.opened.team, requester: session.opened.by, rule, groupMembers });
      if (may.ok) valid++;
    }
    return valid >= rule.quorum ? { ok: true } : { ok: false, why: 'Somebody who approved it may no longer do so.' };
  };
}
