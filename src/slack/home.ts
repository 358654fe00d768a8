import { z } from 'zod';
import { named } from '../policy/outside-text.ts';
import type { About } from '../runtime/reading.ts';
import type { Desk } from './desk.ts';
import { openApprovals } from './my-approvals.ts';
import { homeView } from './views/home.ts';
import { served, threadUrl } from './which-session.ts';

/** What we use of `app_home_opened`. */
export const homeSchema = z.object({ type: z.literal('app_home_opened'), user: z.string(), tab: z.string().optional() });

const SHOWN = 10;

/** Publishes the Home tab of who opened it. Nothing is stored, so nothing is lost where Slack does not take it: the next opening tries again. */
export async function onHomeOpened(desk: Desk, { user, tab }: z.infer<typeof homeSchema>): Promise<void> {
  if (tab === 'messages') return;
  const all = await served(desk);
  const mine = all.filter((about) => about.by === user);
  const latest = mine.slice(0, SHOWN);
  const [approvals, urls] = await Promise.all([
    openApprovals(
      desk,
      user,
      all.filter((about) => about.endedAt === null),
    ),
    Promise.all(latest.map((about) => urlOf(desk, about))),
  ]);
  const view = homeView({
    approvals: approvals.mine
      .slice(0, approvals.links.length)
      .map(({ s, a }, i) => ({ alias: s.opened.alias, summary: a.preview.summary, expiresAt: a.expiresAt, url: approvals.links[i] ?? null })),
    experiments: latest.map((about, i) => ({ ...about, prompt: named(about.prompt), url: urls[i] ?? null })),
    more: mine.length - latest.length,
    channels: desk.channels,
    at: new Date().toISOString(),
  });
  await desk.slack.publishHome(user, view);
}

/** The thread's own address; in a thread that began with somebody's message no root of ours stands. */
function urlOf(desk: Desk, { session, channel, thread }: About): Promise<string | null> {
  if (!thread) return threadUrl(desk, session);
  return desk.slack.permalink({ channel, ts: thread }, AbortSignal.timeout(800)).catch(() => null);
}
