import { z } from 'zod';
import { named } from '../policy/outside-text.ts';
import { approversOf } from '../policy/rules.ts';
import type { About } from '../runtime/reading.ts';
import { approverMentions, askedBy, decisionOf } from './cards.ts';
import { type Desk, mayOpen } from './desk.ts';
import { openApprovals } from './my-approvals.ts';
import { type Experiment, homeView, type KeptRecord } from './views/home.ts';
import { everything, mayList, readIfPossible, threadUrl } from './which-session.ts';

/** What we use of `app_home_opened`. */
export const homeSchema = z.object({ type: z.literal('app_home_opened'), user: z.string(), tab: z.string().optional(), channel: z.string().optional() });

/** Of one's own: every open one that a person can have by default and more, then so many of the finished. */
const OPEN = 40;
const FINISHED = 10;
const RECORDS = 5;

/**
 * Publishes somebody's Home tab; `notice` says what came of a click there. Nothing is stored, so nothing is lost where Slack does not take it: the next opening
 * tries again.
 */
export async function publishHome(desk: Desk, user: string, notice = ''): Promise<void> {
  const all = await everything(desk);
  const mine = all.filter((about) => about.by === user);
  const isOpen = (about: About) => about.endedAt === null;
  // One that waits since last week is the one to be reminded of.
  const latest = [...mine.filter(isOpen).slice(0, OPEN), ...mine.filter((about) => !isOpen(about)).slice(0, FINISHED)];
  const ended = all.filter((about) => about.endedAt !== null && mayList(about, user)).sort((a, b) => ((a.endedAt ?? '') < (b.endedAt ?? '') ? 1 : -1));
  const [may, approvals, experiments, records] = await Promise.all([
    mayOpen(desk, user),
    openApprovals(desk, user),
    Promise.all(latest.map((about) => experimentOf(desk, about))),
    Promise.all(ended.slice(0, RECORDS).map((about) => recordOf(desk, about))),
  ]);
  const view = homeView({
    notice,
    approvals: approvals.mine.map(({ s, a, tool }, i) => ({
      decision: decisionOf(s, a),
      requester: s.opened.by,
      from: {
        alias: s.opened.alias,
        url: approvals.links[i] ?? null,
        ...askedBy(s, s.replies.find((r) => r.calls.some((c) => c.id === a.call)) ?? { model: '' }),
      },
      mayApprove: approverMentions(approversOf(tool, desk.permissions.approvers), s.opened.by),
    })),
    experiments,
    more: mine.length - latest.length,
    budget: desk.budgets ? { ...desk.budgets, mine: mine.filter(isOpen).length, team: all.filter(isOpen).length } : null,
    records,
    channels: desk.channels,
    mayOpen: may,
    at: new Date().toISOString(),
  });
  await desk.slack.publishHome(user, view);
}

/** What one of one's own has used up stands in its log; of those that have ended nothing is left to use. */
async function experimentOf(desk: Desk, about: About): Promise<Experiment> {
  const session = about.endedAt === null ? await readIfPossible(desk, about.session) : null;
  const used = session ? { turns: session.replies.length, calls: session.calls.size, raised: session.raised } : null;
  return { ...about, prompt: named(about.prompt), url: await urlOf(desk, about), used };
}

async function recordOf(desk: Desk, about: About): Promise<KeptRecord> {
  const record = await desk.reading.lines(about.session);
  return { ...about, url: await urlOf(desk, about), lines: record?.lines.length ?? 0, head: record?.head ?? '' };
}

/** The thread's own address; in a thread that began with somebody's message no root of ours stands. */
function urlOf(desk: Desk, { session, channel, thread }: About): Promise<string | null> {
  if (!thread) return threadUrl(desk, session);
  return desk.slack.permalink({ channel, ts: thread }, AbortSignal.timeout(800)).catch(() => null);
}
