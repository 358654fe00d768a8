import { openerOf } from '../runtime/kept.ts';
import type { SlackService } from '../services/slack.ts';
import type { Desk } from './desk.ts';
import { fallback, fitted } from './views/limits.ts';
import { bold, para, rich, t } from './views/rich.ts';

/**
 * Says once, in the thread of a session whose record does not hold, that nobody acts on it any more. `lines` are the stored ones; where the thread cannot be known
 * from them, nothing is said.
 */
export async function sayBroken(
  slack: SlackService,
  session: string,
  { lines, at, root }: { lines: readonly string[]; at: number; root: { ts: string } | null },
): Promise<void> {
  const opener = openerOf(lines[0]);
  const thread = opener?.thread ?? root?.ts;
  if (!opener || !thread) return;
  const words = `Its record is broken at line ${at}: something has changed it. Nothing more is run from it, and no approval in it counts. An operator can look at it with labmate record. Ask again for what you still need.`;
  await sayOnce(slack, { channel: opener.channel, thread, mark: { session, slot: 'broken' } }, 'This experiment is set aside', words);
}

/** Says once, in a thread of ours of which nothing is known any more, that nothing in it will run. */
export async function sayLost({ slack, reading, self }: Desk, at: { channel: string; thread: string; session: string }): Promise<void> {
  const { channel, thread } = at;
  // A click that only claims to be about nothing must not say so of a thread that is alive.
  const [session, alive] = await Promise.all([reading.session(at.session), reading.ofThread(self.team, channel, thread)]);
  if (session || alive) return;
  const words = 'I have no record of it, so nothing in this thread will run, whatever its cards say. Ask again for what you still need.';
  await sayOnce(slack, { channel, thread, mark: { session: `thread-${thread}`, slot: 'lost' } }, "I don't know this experiment any more", words);
}

async function sayOnce(
  slack: SlackService,
  { channel, thread, mark }: { channel: string; thread: string; mark: { session: string; slot: string } },
  heading: string,
  words: string,
): Promise<void> {
  if ((await slack.find({ channel, thread, mark })).length > 0) return;
  await slack.post({ channel, thread, mark, text: fallback(`${heading}. ${words}`), blocks: fitted([rich(para(bold(heading)), para(t(words)))]) });
}
