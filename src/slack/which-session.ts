import { plain } from '../policy/outside-text.ts';
import type { About } from '../runtime/reading.ts';
import type { Session } from '../session/state.ts';
import type { Desk } from './desk.ts';
import type { Ref } from './parse-command.ts';

/** Everything that happened in the channels that are served, newest first. */
export async function served(desk: Desk): Promise<About[]> {
  return (await desk.reading.list(desk.self.team)).filter((a) => desk.channels.includes(a.channel));
}

/** The session that an id, a link or a run stands for; else a sentence why there is none. */
export async function whichSession(desk: Desk, ref: Ref): Promise<Session | { why: string }> {
  const { team } = desk.self;
  const id = await idOf(desk, ref);
  const session = id ? await desk.reading.session(id) : null;
  if (session && session.opened.team === team && desk.channels.includes(session.opened.channel)) return session;
  const what = { alias: () => plain(ref.of === 'alias' ? ref.alias : ''), thread: () => 'in that thread', run: () => 'that started this run' }[ref.of]();
  return { why: `I know no experiment ${what}. /experiment list shows the latest, /experiment find WORDS searches.` };
}

async function idOf(desk: Desk, ref: Ref): Promise<string | null> {
  const { team } = desk.self;
  switch (ref.of) {
    case 'alias':
      return desk.reading.ofAlias(team, ref.alias);
    case 'thread':
      return desk.reading.ofThread(team, ref.channel, ref.ts);
    case 'run':
      return (await served(desk)).find((a) => a.runs?.includes(ref.run))?.session ?? null;
    default:
      return ref satisfies never;
  }
}

export async function threadUrl(desk: Desk, session: string): Promise<string | null> {
  const root = await desk.reading.root(session);
  return root ? desk.slack.permalink(root, AbortSignal.timeout(800)).catch(() => null) : null;
}
