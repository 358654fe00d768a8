import { type May, mayAct } from '../policy/approvers.ts';
import type { ApproverRule, Permissions } from '../policy/rules.ts';
import type { Deliver } from '../runtime/commands.ts';
import type { Reading } from '../runtime/reading.ts';
import { UpstreamError } from '../services/http.ts';
import type { Block, SlackService } from '../services/slack.ts';
import type { Preview } from '../session/events.ts';
import type { Call, Session } from '../session/state.ts';
import type { Log } from './log.ts';

/** What can be asked about runs without a model. */
export type Runs = {
  /** Throws a sentence where MLflow cannot be asked. */
  exists(experiment: string, signal: AbortSignal): Promise<boolean>;
  ask(
    tool: 'compare_runs' | 'find_best_run',
    input: Record<string, unknown>,
    signal: AbortSignal,
  ): Promise<{ is: 'answer'; text: string; data: Record<string, unknown> } | { is: 'problem'; code: string | null; why: string }>;
};

/** What a change of a call that waits for a yes needs to know of the tools. */
export type Editing = {
  /** The JSON Schema of what a tool takes; null for one that is not here. */
  schemaOf(tool: string): Promise<Record<string, unknown> | null>;
  /** Plans and judges the call anew with other arguments, as the gate would; runs nothing. */
  reconsider(session: Session, call: Call, input: Record<string, unknown>, signal: AbortSignal): Promise<Reconsidered>;
};
export type Reconsidered =
  | { is: 'asks'; digest: string; arguments: Record<string, unknown>; preview: Preview; expiresAfterMs: number }
  /** `argument`: the path of the one that is wrong, where that is known. */
  | { is: 'no'; why: string; argument?: readonly string[] };

/** What a usual experiment is here: for the form, and for what a conversation begins with. */
export type Usual = {
  job?: string | undefined;
  experiment?: string | undefined;
  metrics: readonly string[];
  /** The jobs that may be started; absent where there is no backend that runs any. */
  jobs?: ((signal: AbortSignal) => Promise<StartableJob[]>) | undefined;
};
/** `parameters`: the names it declares; empty where that is not known. */
export type StartableJob = { id: string; name: string; parameters: readonly string[] };

/** What everyone at the door works with. */
export type Desk = {
  deliver: Deliver;
  reading: Reading;
  permissions: Permissions;
  slack: SlackService;
  /** Without it nothing can be changed before it is approved. */
  editing?: Editing | undefined;
  usual?: Usual | undefined;
  /** How many sessions that have not ended one person and the team may have, and what one of them may use up; for Home. */
  budgets?: { perUser: number; perTeam: number; turns: number; toolCalls: number; outputTokens: number } | undefined;
  /** Absent where no MLflow is configured. */
  runs?: Runs | undefined;
  /** Where it listens. */
  channels: readonly string[];
  self: { team: string; user: string; bot: string };
  log: Log;
  /** A message of ours was deleted by somebody: it is posted again where something can still be done with it. */
  gone?: ((team: string, session: string, ts: string) => Promise<void>) | undefined;
  /** Slack took our token back: nothing can be said any more until the app is installed again. */
  revoked?: (() => void) | undefined;
  /** Work that Slack need not wait for; failures are logged. */
  later(work: () => Promise<unknown>): void;
};

/** A private answer. */
export type Answer = { text: string; blocks?: Block[] };

export type Standing = 'requester' | 'approver' | 'asked' | 'other';

/** Look-ups at Slack share its 3 s with the storing. */
const LOOK_MS = 800;

/** Whether this account may start or change anything here; a Slack that does not say is a no. */
export async function mayChange(desk: Desk, user: string): Promise<May> {
  try {
    return mayAct(await desk.slack.person(user, LOOK_MS), desk.self.team);
  } catch (error) {
    desk.log.warn({ user, why: String(error) }, 'Slack did not say who somebody is');
    return { ok: false, why: 'Slack did not tell me in time who you are. Please try again.' };
  }
}

/**
 * Whether this account may open an experiment. Where Slack is the one that fails, whoever it let in is let in here: an experiment can do nothing by itself, and
 * who may approve is looked up again when it matters.
 */
export async function mayOpen(desk: Desk, user: string): Promise<May> {
  try {
    return mayAct(await desk.slack.person(user, LOOK_MS), desk.self.team);
  } catch (error) {
    desk.log.warn({ user, why: String(error) }, 'Slack did not say who opens an experiment; it is opened all the same');
    const passing = !(error instanceof UpstreamError) || error.transient;
    return passing ? { ok: true } : { ok: false, why: 'Slack does not tell me who you are. An operator has to look at the app.' };
  }
}

/** What somebody is to a session. */
export async function standingOf(desk: Desk, session: Session, user: string): Promise<Standing> {
  if (user === session.opened.by) return 'requester';
  const asked = [...session.calls.values()].some((c) => c.status.is === 'parked' && c.status.waiting.for === 'answer' && c.status.waiting.to === user);
  if (asked || session.told.some((t) => t.by === user && t.standing === 'asked')) return 'asked';
  const rules = Object.values(desk.permissions.approvers);
  if (rules.some((r) => r.users.includes(user))) return 'approver';
  const members = await membersOf(
    desk,
    rules.flatMap((r) => r.groups),
  );
  return members.includes(user) ? 'approver' : 'other';
}

/** Everyone in these groups. `fresh`: as of now, for a click that lets something run. A group that Slack does not tell of has no members. */
export async function membersOf(desk: Desk, groups: readonly string[], fresh = false): Promise<string[]> {
  const lists = await Promise.all(
    [...new Set(groups)].map((g) =>
      desk.slack.groupMembers(g, fresh, LOOK_MS).catch((error: unknown) => {
        desk.log.warn({ group: g, why: String(error) }, 'Slack did not say who is in a user group');
        return [];
      }),
    ),
  );
  return lists.flat();
}

/** What somebody is to a session now. `isHeard`: what they say is said to it. */
export async function roleIn(desk: Desk, session: Session, user: string): Promise<{ standing: Standing; may: May; isHeard: boolean }> {
  const [standing, may] = await Promise.all([standingOf(desk, session, user), mayChange(desk, user)]);
  return { standing, may, isHeard: standing !== 'other' && may.ok };
}

/** Whether somebody may steer a session: who asked for it, or an approver, with an account that may act. `what` they would do, for the sentence why not. */
export async function maySteer(
  desk: Desk,
  session: Session,
  user: string,
  what: string,
): Promise<{ ok: true; standing: 'requester' | 'approver' } | { ok: false; why: string; isOther: boolean }> {
  const { standing, may } = await roleIn(desk, session, user);
  if (!may.ok) return { ok: false, why: may.why, isOther: false };
  if (standing !== 'requester' && standing !== 'approver') return { ok: false, why: whoMaySteer(desk, session, what), isOther: true };
  return { ok: true, standing };
}

/** Why somebody else may not do this to a session: who can is named. */
export function whoMaySteer(desk: Desk, session: Session, what: string): string {
  const rules = Object.values(desk.permissions.approvers);
  const [users, groups] = [[...new Set(rules.flatMap((r) => r.users))], [...new Set(rules.flatMap((r) => r.groups))]];
  const approvers = users.length + groups.length > 0 ? ` Approvers: ${namesOf({ users, groups })}.` : '';
  return `Only <@${session.opened.by}>, who asked for it, or an approver can ${what}.${approvers}`;
}

/** Who may approve, for a sentence: mentions, which an ephemeral message renders and nobody is notified by. */
export function namesOf(rule: Pick<ApproverRule, 'users' | 'groups'> | null): string {
  if (!rule) return 'nobody; an operator has to add approvers to labmate.json';
  const all = [...rule.groups.map((g) => `<!subteam^${g}>`), ...rule.users.map((u) => `<@${u}>`)];
  return all.length > 5 ? `${all.slice(0, 5).join(', ')} and ${all.length - 5} more` : all.join(', ');
}
