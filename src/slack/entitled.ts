import { type May, mayApprove } from '../policy/approvers.ts';
import type { ApproverRule } from '../policy/rules.ts';
import { UpstreamError } from '../services/http.ts';
import type { SlackService } from '../services/slack.ts';
import { waitsForClient } from '../session/door.ts';
import type { Session } from '../session/state.ts';

/** Everyone in these groups; `fresh`: as of now. Throws where Slack does not say, for those to whom nobody would be the wrong answer. */
export async function everyoneIn(slack: SlackService, groups: readonly string[], fresh?: boolean): Promise<string[]> {
  return (await Promise.all(groups.map((g) => slack.groupMembers(g, fresh)))).flat();
}

/** Looks again, at the moment of the call, whether those who approved may still do so: people leave groups, and companies. */
export function checkEntitlement(slack: SlackService | undefined) {
  return async (session: Session, by: readonly string[], rule: ApproverRule): Promise<May> => {
    if (!slack) return { ok: false, why: 'Slack is not configured, so nobody can be looked up.' };
    const groupMembers = await everyoneIn(slack, rule.groups, true);
    let valid = 0;
    for (const user of new Set(by)) {
      const person = await slack.person(user, undefined, true);
      if (mayApprove({ user: person, team: session.opened.team, requester: session.opened.by, rule, groupMembers }).ok) valid++;
    }
    return valid >= rule.quorum ? { ok: true } : { ok: false, why: 'Somebody who approved it may no longer do so.' };
  };
}

/** So long before a call its approvers may have been looked up. */
const AHEAD_MS = 1_000;

type StillEntitled = ReturnType<typeof checkEntitlement>;

/**
 * The same look, begun as soon as a session is taken up whose call was approved: it runs while the lease is written and the call is planned, instead of after them. It
 * is good for one call, and only if it was begun a moment ago.
 */
export function lookAhead(
  check: StillEntitled,
  ruleOf: (tool: string) => ApproverRule | null,
): { foresee(session: Session): void; stillEntitled: StillEntitled } {
  const begun = new WeakMap<Session, { at: number; about: string; asked: ReturnType<StillEntitled> }>();
  const about = (by: readonly string[], rule: ApproverRule) => JSON.stringify([by, rule]);
  return {
    foresee(session) {
      if (session.ended || session.stop) return;
      const approval = [...session.approvals.values()].find((a) => a.state === 'approved');
      const call = approval && session.calls.get(approval.call);
      const rule = call ? ruleOf(call.tool) : null;
      if (!approval || !call || !rule || waitsForClient(session, call)) return;
      const by = approval.votes.map((v) => v.by);
      const asked = check(session, by, rule);
      // Whoever needs the answer is told why there is none.
      asked.catch(() => {});
      begun.set(session, { at: performance.now(), about: about(by, rule), asked });
    },
    async stillEntitled(session, by, rule) {
      const ahead = begun.get(session);
      begun.delete(session);
      const fits = ahead !== undefined && performance.now() - ahead.at < AHEAD_MS && ahead.about === about(by, rule);
      return fits ? ahead.asked : check(session, by, rule);
    },
  };
}

/** So many people of a group are looked up one by one; in a larger one there is surely somebody. */
const LOOKED_UP = 25;

/**
 * Looks before a card is drawn whether it can be decided at all: a place where approvers see it, and enough people whose yes would count. A question that nobody
 * can answer would hold an experiment for a day. Where Slack does not say, people are asked: who may is looked up again when they click.
 */
export function canBeAsked(slack: SlackService | undefined, channels: readonly string[]) {
  return async (session: Session, rule: ApproverRule): Promise<May> => {
    if (!slack) return { ok: false, why: 'It needs a yes, and Slack is not configured, so nobody can be asked.' };
    if (rule.channel === null && channels.length === 0)
      return {
        ok: false,
        why: 'It needs a yes, and no channel is known where approvers can be asked. An operator has to name one: channels, or approvers.default.channel, in labmate.json.',
      };
    try {
      return await enough(slack, session, rule);
    } catch (error) {
      if (error instanceof UpstreamError) return { ok: true };
      throw error;
    }
  };
}

/** Who is named by a rule, and whose yes counts of them; null where there are enough, as far as can be seen. */
export async function tooFew(
  slack: SlackService,
  rule: ApproverRule,
  { team, requester }: { team: string; requester: string | null },
): Promise<{ named: string[]; may: number } | null> {
  const groupMembers = await everyoneIn(slack, rule.groups);
  const named = [...new Set([...rule.users, ...groupMembers])];
  let may = 0;
  for (const user of named.slice(0, LOOKED_UP)) {
    const answer = mayApprove({ user: await slack.person(user), team, requester: requester ?? '', rule, groupMembers });
    if (answer.ok) may++;
    if (may >= rule.quorum) return null;
  }
  // Of more people than that nobody is sure; more than there are can't say yes.
  return named.length > LOOKED_UP && named.length >= rule.quorum ? null : { named, may };
}

async function enough(slack: SlackService, session: Session, rule: ApproverRule): Promise<May> {
  const few = await tooFew(slack, rule, { team: session.opened.team, requester: session.opened.by });
  if (!few) return { ok: true };
  const { named, may } = few;
  const asked = named.includes(session.opened.by) && !rule.requesterMayApprove ? ' One of them asked for it and may not approve it.' : '';
  const needs = rule.quorum === 1 ? 'a yes' : `${rule.quorum} people's yes`;
  const has = may === 0 ? 'nobody' : `only ${may}`;
  return {
    ok: false,
    why: `It needs ${needs}, and of the ${named.length} ${named.length === 1 ? 'person' : 'people'} that labmate.json names (groups looked up) ${has} can give it now.${asked} An operator has to name more approvers.`,
  };
}
