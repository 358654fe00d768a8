import { isDirect } from '../policy/direct.ts';
import { plain } from '../policy/outside-text.ts';
import { BrokenChain } from '../runtime/read-line.ts';
import type { About } from '../runtime/reading.ts';
import { NewerRecord } from '../session/record-version.ts';
import type { Session } from '../session/state.ts';
import { type Desk, standingOf } from './desk.ts';
import type { Ref } from './parse-command.ts';

/** Whether experiments live there: in the channels of labmate.json, and in direct messages with the app. */
export function isServed(desk: Pick<Desk, 'channels'>, channel: string): boolean {
  return desk.channels.includes(channel) || isDirect(channel);
}

/** Whether a session is to be found here. What an MCP client did has no place of its own: its cards stand wherever its approvers are asked. */
export function isOurs(desk: Pick<Desk, 'channels'>, { channel, door }: { channel: string; door?: string | undefined }): boolean {
  return door === 'mcp' || isServed(desk, channel);
}

/** Everything that happened where experiments live, newest first. Direct messages of anybody are among it: for code that asks who may, not for lists. */
export async function everything(desk: Desk): Promise<About[]> {
  return (await desk.reading.list(desk.self.team)).filter((a) => isOurs(desk, a));
}

/** Whether lists may show it to this person: what is in a direct message is its author's. */
export function mayList({ channel, by }: Pick<About, 'channel' | 'by'>, user: string): boolean {
  return !isDirect(channel) || by === user;
}

/** What a person may be shown of it, newest first. */
export async function served(desk: Desk, user: string): Promise<About[]> {
  return (await everything(desk)).filter((a) => mayList(a, user));
}

/**
 * The session that an id, a link or a run stands for; else a sentence why there is none. A session in direct messages is there for whoever asked for it, and, with
 * `forApprovers`, for those who decide over it.
 */
export async function whichSession(desk: Desk, ref: Ref, user: string, { forApprovers = false } = {}): Promise<Session | { why: string }> {
  const { team } = desk.self;
  const id = await idOf(desk, ref, user);
  const session = id ? await desk.reading.session(id) : null;
  if (session && session.opened.team === team && isOurs(desk, session.opened)) {
    if (mayList(session.opened, user) || (forApprovers && (await standingOf(desk, session, user)) === 'approver')) return session;
  }
  const what = { alias: () => plain(ref.of === 'alias' ? ref.alias : ''), thread: () => 'in that thread', run: () => 'that started this run' }[ref.of]();
  return { why: `I know no experiment ${what}. /experiment list shows the latest, /experiment find WORDS searches.` };
}

async function idOf(desk: Desk, ref: Ref, user: string): Promise<string | null> {
  const { team } = desk.self;
  switch (ref.of) {
    case 'alias':
      return desk.reading.ofAlias(team, ref.alias);
    case 'thread':
      return desk.reading.ofThread(team, ref.channel, ref.ts);
    case 'run':
      return (await served(desk, user)).find((a) => a.runs?.includes(ref.run))?.session ?? null;
    default:
      return ref satisfies never;
  }
}

export async function threadUrl(desk: Desk, session: string): Promise<string | null> {
  const root = await desk.reading.root(session);
  return root ? desk.slack.permalink(root, AbortSignal.timeout(800)).catch(() => null) : null;
}

/** A session for a list, or for somebody's Home: one that cannot be read (broken, or written by a newer labmate) keeps nobody from seeing the others. */
export async function readIfPossible(desk: Desk, id: string): Promise<Session | null> {
  try {
    return await desk.reading.session(id);
  } catch (error) {
    if (!(error instanceof BrokenChain) && !(error instanceof NewerRecord)) throw error;
    desk.log.warn({ session: id, why: String(error) }, 'a session cannot be read, and is left out of a list');
    return null;
  }
}
