import { mayApprove } from '../policy/approvers.ts';
import { approversOf } from '../policy/rules.ts';
import { type Approval, pendingApprovals, type Session } from '../session/state.ts';
import { approverMentions, cardNameOf } from './cards.ts';
import { type Answer, type Desk, membersOf } from './desk.ts';
import { fallback, fitted } from './views/limits.ts';
import { type Bit, bold, bullets, clock, link, para, rich, t } from './views/rich.ts';
import { everything, mayList, readIfPossible } from './which-session.ts';

type Open = { s: Session; a: Approval; tool: string };

/** What waits for this person's yes, each with a link to its card; and, in a line, what waits for others. */
export async function myApprovals(desk: Desk, by: string): Promise<Answer> {
  const { mine, links, all } = await openApprovals(desk, by);
  return waiting(mine, links, all, (tool) => approverMentions(approversOf(tool, desk.permissions.approvers), ''));
}

const LATEST = 40;

/** Every approval that is open and this person may see, and which of them this person may give, oldest first, with links to the cards of the first fifteen. */
export async function openApprovals(desk: Desk, by: string): Promise<{ mine: Open[]; links: (string | null)[]; all: Open[] }> {
  const sessions = (await everything(desk)).filter((about) => about.endedAt === null);
  // Every one that asks; and of the newest also those of which the index may not know it yet.
  const [asking, others] = [sessions.filter((about) => about.asks), sessions.filter((about) => !about.asks)];
  const read = await Promise.all([...asking, ...others.slice(0, LATEST)].map((about) => readIfPossible(desk, about.session)));
  const current = read.flatMap((s): Open[] => (s && !s.stop ? pendingApprovals(s).map((a) => ({ s, a, tool: s.calls.get(a.call)?.tool ?? '' })) : []));
  // What has been asked longest is next to expire.
  current.sort((one, other) => (one.a.askedAt < other.a.askedAt ? -1 : 1));
  const mine = await whichMay(desk, by, current);
  const links = await Promise.all(mine.slice(0, 15).map((o) => cardLink(desk, o)));
  return { mine, links, all: current.filter((o) => mine.includes(o) || mayList(o.s.opened, by)) };
}

/** The answer. Pure. `links` belongs to the first of `mine`. */
export function waiting(mine: readonly Open[], links: readonly (string | null)[], all: readonly Open[], mayDecide: (tool: string) => Bit[]): Answer {
  if (all.length === 0) return { text: fallback('Nothing waits for an approval.') };
  const others = all.filter((o) => !mine.includes(o));
  const line = ({ s, a }: Open, url: string | null, ...more: Bit[]): Bit[] => [
    bold(s.opened.alias),
    t(' '),
    url ? link(url, a.preview.summary) : t(a.preview.summary),
    t(`, expires ${clock(a.expiresAt)}`),
    ...(a.votes.length > 0 ? [t(`, ${a.votes.length} of ${a.need} said yes`)] : []),
    ...more,
  ];
  const blocks = [
    rich(
      para(bold(mine.length > 0 ? 'Waiting for your yes' : 'Nothing waits for your yes')),
      ...(mine.length > 0 ? [bullets(mine.slice(0, 15).map((o, i) => line(o, links[i] ?? null)))] : []),
      ...(mine.length > 15 ? [para(t(`${mine.length - 15} more.`))] : []),
      ...(others.length > 0
        ? [para(t('Waiting for others:')), bullets(others.slice(0, 10).map((o) => line(o, null, t('; may approve: '), ...mayDecide(o.tool))))]
        : []),
      ...(others.length > 10 ? [para(t(`${others.length - 10} more.`))] : []),
    ),
  ];
  const said = (o: Open) => `${o.s.opened.alias}: ${o.a.preview.summary}`;
  const head = mine.length > 0 ? 'Waiting for your yes:' : 'Nothing waits for your yes.';
  return {
    text: fallback(head, ...mine.slice(0, 15).map(said), ...(others.length > 0 ? ['Waiting for others:', ...others.slice(0, 10).map(said)] : [])),
    blocks: fitted(blocks),
  };
}

/** Which of these this person could say yes to now: a yes they have given already is not waited for. */
async function whichMay(desk: Desk, by: string, open: readonly Open[]): Promise<Open[]> {
  const groups = [...new Set(open.flatMap((o) => approversOf(o.tool, desk.permissions.approvers)?.groups ?? []))];
  const [user, members] = await Promise.all([
    desk.slack.person(by, 800).catch(() => null),
    Promise.all(groups.map(async (group) => [group, await membersOf(desk, [group])] as const)),
  ]);
  const membersBy = new Map(members);
  return open.filter(({ s, a, tool }) => {
    const rule = approversOf(tool, desk.permissions.approvers);
    const groupMembers = (rule?.groups ?? []).flatMap((group) => membersBy.get(group) ?? []);
    return !a.votes.some((v) => v.by === by) && mayApprove({ user, team: desk.self.team, requester: s.opened.by, rule, groupMembers }).ok;
  });
}

/** To the card itself; to its thread where Slack does not say. */
async function cardLink(desk: Desk, { s, a }: Open): Promise<string | null> {
  const name = cardNameOf(s, a.id);
  const place = (name && (await desk.reading.shown(s.id, name))) || (await desk.reading.root(s.id));
  return place ? desk.slack.permalink(place, AbortSignal.timeout(800)).catch(() => null) : null;
}
