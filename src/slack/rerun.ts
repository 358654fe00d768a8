import { createHash } from 'node:crypto';
import { nearMisses } from '../analysis/near-miss.ts';
import { isDirect } from '../policy/direct.ts';
import { plain } from '../policy/outside-text.ts';
import type { Command } from '../runtime/commands.ts';
import { declaredBy } from '../session/declared.ts';
import { isReview } from '../session/door.ts';
import { changedPrompt } from '../session/lineage.ts';
import type { Session } from '../session/state.ts';
import { stateWord } from '../session/where-it-stands.ts';
import { type Answer, type Desk, mayChange } from './desk.ts';
import { notStored, type Settled as Settling, type Stored, store, whyNot } from './store.ts';
import { threadUrl } from './which-session.ts';

type Settled = { settled?: Settling };
type Place = { channel: string; thread: string | null; busy: Session | null };

/** What an MCP client did, or labmate asked by itself, is nobody's request; null for an experiment. */
function notARequest(s: Session): string | null {
  if (s.opened.door !== 'mcp') return null;
  const is = isReview(s) ? 'a question of labmate itself' : 'what an MCP client did';
  return `Nothing was opened: ${plain(s.opened.alias)} is ${is}, so there is no request to run again.`;
}

/** Opens the repetition that a command asks for: in the earlier one's thread if that is free and in this channel, else in a thread of its own. */
export async function rerun(
  desk: Desk,
  asked: { key: string; id: string; by: string; channel: string },
  earlier: Session,
  changes: Record<string, string>,
): Promise<Answer & Settled> {
  const [may, place, url] = await Promise.all([mayChange(desk, asked.by), placeOf(desk, earlier, asked.channel), threadUrl(desk, earlier.id)]);
  if (!may.ok) return { text: may.why };
  const strange = notARequest(earlier) ?? unknownKeys(earlier, Object.keys(changes));
  if (strange) return { text: strange };
  const { prompt, changes: stated } = changedPrompt(earlier, changes);
  const stored = await openAgain(desk, earlier, {
    ...asked,
    thread: place.busy ? null : place.thread,
    prompt,
    changes: stated,
    door: 'command',
  });
  // That thread may stand far above, where nobody looks any more.
  const where = place.thread && !place.busy ? `in the thread of ${plain(earlier.opened.alias)}${url ? `: ${url}` : ''}` : 'in a thread of its own';
  return said(stored, (alias) => `Opened ${alias}, which repeats ${plain(earlier.opened.alias)}, ${where}.`);
}

/**
 * "Run again": the same request in the same thread. Two clicks of one person are one experiment until it has ended. Where something else is at work in the
 * thread, nothing is opened: two experiments would answer every reply there.
 */
export async function runAgain(desk: Desk, by: string, earlier: Session): Promise<Answer & Settled> {
  const [may, place] = await Promise.all([mayChange(desk, by), placeOf(desk, earlier, earlier.opened.channel)]);
  if (!may.ok) return { text: may.why };
  if (place.busy) return { text: await busyInWords(desk, place.busy, earlier) };
  const id = await idAgain(desk, earlier, by, place);
  const { prompt, changes } = changedPrompt(earlier, {});
  const stored = await openAgain(desk, earlier, { key: `again:${id}`, id, by, channel: place.channel, thread: place.thread, prompt, changes, door: 'button' });
  if (stored.is === 'duplicate') return { text: 'It is being run again already.' };
  return said(stored, (alias) => `Opened ${alias} below.`);
}

/** "Change something": the request as somebody rewrote it. Answers a sentence where it did not come to that. */
export async function runChanged(
  desk: Desk,
  key: string,
  id: string,
  by: string,
  earlier: Session,
  prompt: string,
): Promise<({ why: string } & Settled) | null> {
  const [may, place] = await Promise.all([mayChange(desk, by), placeOf(desk, earlier, earlier.opened.channel)]);
  if (!may.ok) return { why: may.why };
  if (place.busy) return { why: await busyInWords(desk, place.busy, earlier) };
  return notStored(await openAgain(desk, earlier, { key, id, by, channel: place.channel, thread: place.thread, prompt, changes: {}, door: 'button' }));
}

/** Where a repetition belongs, and what is at work there. */
async function placeOf(desk: Desk, earlier: Session, channel: string): Promise<Place> {
  const { opened } = earlier;
  const thread = channel === opened.channel ? (opened.thread ?? (await desk.reading.root(earlier.id))?.ts ?? null) : null;
  if (!thread) return { channel, thread, busy: null };
  const latest = await desk.reading.ofThread(opened.team, channel, thread);
  const living = latest ? await desk.reading.session(latest) : null;
  return { channel, thread, busy: living && !living.ended ? living : null };
}

/** Which experiment has the thread, whose it is, where it stands and where to find it; and the way to another beside it, which is open to everybody. */
async function busyInWords(desk: Desk, busy: Session, earlier: Session): Promise<string> {
  const [alias, url] = [plain(busy.opened.alias), await threadUrl(desk, busy.id)];
  const what = busy.opened.rerun_of?.session === earlier.id ? `${alias} runs it again already, in this thread` : `${alias} is at work in this thread`;
  const how = `${url ? `Open it: ${url} ` : ''}To start another beside it, in a thread of its own: /experiment rerun ${plain(earlier.opened.alias)}`;
  return `Nothing was opened: ${what} (asked for by <@${busy.opened.by}>, ${stateWord(busy)}). ${how}`;
}

/** Words of a request that are no parameters of a job, but name the job itself or its config file. */
const OF_ANY_JOB = new Set(['job', 'job_id', 'config', 'config_file', 'config_path']);

/** What a key is told that no job of the earlier one has; null where all are known, or nobody knows. */
function unknownKeys(earlier: Session, keys: readonly string[]): string | null {
  const jobs = declaredBy(earlier);
  const names = jobs?.flatMap((job) => job.parameters) ?? [];
  const unknown = jobs ? keys.filter((key) => !names.includes(key) && !OF_ANY_JOB.has(key)) : [];
  if (!jobs || unknown.length === 0) return null;
  const job = `job ${jobs.map((each) => plain(each.job)).join(' and job ')}`;
  return `Nothing was opened: ${job}, which ${plain(earlier.opened.alias)} ran, has no parameter ${unknown.map((key) => plain(key)).join(', ')}. ${whatItHas(unknown, names)}`;
}

/** The parameters there are instead, and those that may have been meant. */
export function whatItHas(unknown: readonly string[], names: readonly string[]): string {
  const near = [...new Set(unknown.flatMap((key) => nearMisses(key, names)))];
  const has = names.slice(0, 20).map((name) => plain(name));
  return `It has ${has.join(', ')}.${near.length > 0 ? ` Did you mean ${near.map((name) => plain(name)).join(' or ')}?` : ''}`;
}

/** The same for every click of one person as long as nothing else has happened in the thread. */
async function idAgain(desk: Desk, earlier: Session, by: string, { channel, thread }: Place): Promise<string> {
  const { team } = earlier.opened;
  const latest = thread ? await desk.reading.ofThread(team, channel, thread) : null;
  const mark = createHash('sha256').update([earlier.id, by, latest].join('\n')).digest('hex').slice(0, 24);
  return `${team}-${channel}-again-${mark}`;
}

/** What the earlier one was given beside its prompt, this one is given too. */
async function openAgain(
  desk: Desk,
  earlier: Session,
  o: {
    key: string;
    id: string;
    by: string;
    channel: string;
    thread: string | null;
    prompt: string;
    changes: Record<string, string>;
    door: 'command' | 'button';
  },
): Promise<Stored> {
  const { team, channel } = earlier.opened;
  // What stood in direct messages stays there.
  const { after, quoted } = isDirect(channel) && channel !== o.channel ? {} : earlier.opened;
  const followed = after ? await desk.reading.ofAlias(team, after.session) : null;
  const command: Command = {
    do: 'open',
    session: o.id,
    team,
    channel: o.channel,
    thread: o.thread,
    by: o.by,
    prompt: o.prompt,
    door: o.door,
    rerunOf: { session: earlier.id, changes: o.changes },
    ...(followed ? { after: followed } : {}),
    ...(quoted ? { quoted } : {}),
  };
  return store(desk, o.key, command);
}

function said(stored: Stored, words: (alias: string) => string): Answer & Settled {
  if (stored.is === 'stored') return { text: words(plain(stored.alias)) };
  return { text: whyNot(stored) ?? 'Opened; its thread says more.', ...(stored.is === 'unsure' ? { settled: stored.settled } : {}) };
}
