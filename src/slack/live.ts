import { UpstreamError } from '../services/http.ts';
import type { Block, SlackService } from '../services/slack.ts';
import type { StreamedTask } from '../services/slack-agents.ts';
import { LACKING, OVER } from '../services/slack-errors.ts';
import type { Log } from './log.ts';
import { type Again, EDIT_EVERY_MS, IN_FLIGHT_MS, type Look, mark, type PlaceIn, shortHash, threadOf } from './look.ts';

/** A plan as a stream shows it. `busy`: something is being done right now; a wait is no time to hold a stream open. */
export type Live = { title: string; tasks: readonly StreamedTask[]; busy: boolean };
type LiveSlot = { name: string; blocks: readonly Block[]; live: Live };

/** Slack ends a stream after five minutes, even one that is written to; it is begun anew before. */
const ENDS_MS = 300_000;
const ROTATE_MS = 210_000;
/** All of a workspace's streams together: Slack lets twenty begin in a minute. */
const BEGIN_EVERY_MS = 3_200;
/** So long a workspace without streams is not asked again. */
const OFF_MS = 600_000;

/**
 * The live plan of a direct message as a stream of Slack's own: begun while something is done, ended before a wait and before its time is over. After that it is a
 * message like others, edited in place; when work goes on below other messages, the plan begins anew there and the old one is taken away. Answers 'ordinary' where it is
 * to be posted or edited like any message: there is no stream in a wait, nor in a workspace that has none.
 */
export function makeLive({ slack, log, placeIn }: { slack: SlackService; log: Log; placeIn: PlaceIn }) {
  let offUntil = 0;

  return async (slot: LiveSlot, hash: string, look: Look): Promise<Again | 'ordinary'> => {
    await tidy(slot, look);
    const known = look.shown[slot.name];
    if (known?.stream) return streaming(slot, hash, look);
    if (known?.starting) {
      const begun = known.trying ?? 0;
      if (look.now - begun < IN_FLIGHT_MS) return IN_FLIGHT_MS - (look.now - begun);
      await removeStrays(slot, look);
    }
    if (!slot.live.busy || !threadOf(look) || look.now < offUntil || (known?.ts && isLast(look, known.ts))) return 'ordinary';
    // An attempt to post it as an ordinary message is in the air.
    if (look.shown[slot.name]?.trying !== undefined) return 'ordinary';
    return begin(slot, hash, look);
  };

  async function streaming(slot: LiveSlot, hash: string, look: Look): Promise<Again | 'ordinary'> {
    const { session, now } = look;
    const { stream, ts, channel, hash: shown } = look.shown[slot.name] ?? {};
    if (!stream || !ts || !channel) return 'ordinary';
    const { live, name } = slot;
    const left = stream.since + ROTATE_MS - now;
    if (live.busy && left > 0) {
      if (shown === hash) return left;
      const wait = await look.limiter(`edit:${session.id}`, EDIT_EVERY_MS);
      if (wait > 0) return wait;
      const tasks = live.tasks.filter((task) => stream.sent[task.id] !== shortHash(task));
      const title = stream.sent['title'] === live.title ? undefined : live.title;
      await look.still();
      if (!(await survives(() => (title !== undefined || tasks.length > 0 ? slack.agents.appendStream({ channel, ts, title, tasks }) : Promise.resolve())))) {
        await look.set(name, { channel, ts, hash: '' });
        return 0;
      }
      await look.set(name, { channel, ts, hash, stream: { since: stream.since, sent: sentOf(live) } });
      return left;
    }
    await look.still();
    // Once Slack has ended it itself, no word against that holds up the plan.
    await survives(
      () => slack.agents.stopStream({ channel, ts, mark: mark(session, slot) }),
      (code) => OVER.has(code) || now - stream.since > ENDS_MS,
    );
    await look.set(name, { channel, ts, hash: '' });
    return live.busy ? begin(slot, hash, look) : 'ordinary';
  }

  async function begin(slot: LiveSlot, hash: string, look: Look): Promise<Again | 'ordinary'> {
    const { channel, now } = look;
    const { name, live } = slot;
    const thread = threadOf(look);
    const before = look.shown[name];
    if (!thread || (await look.limiter('streams', BEGIN_EVERY_MS)) > 0) return 'ordinary';
    const wait = await placeIn(channel, look);
    // One that stands is kept true where it is.
    if (wait > 0) return before?.ts ? 'ordinary' : wait;
    await look.set(name, { channel, ts: before?.ts ?? null, hash: before?.hash ?? '', trying: now, starting: true });
    try {
      const blocks = slot.blocks.filter((b) => b.type === 'actions');
      const { ts } = await slack.agents.startStream({ channel, thread, title: live.title, tasks: live.tasks, blocks });
      await look.set(name, { channel, ts, hash, stream: { since: now, sent: sentOf(live) }, ...(before?.ts ? { gone: before.ts } : {}) });
    } catch (error) {
      // An answer of Slack's own: no stream has begun.
      if (error instanceof UpstreamError && (error.status === 200 || error.status === 429)) await restore(look, name, before?.ts ?? null);
      if (!(error instanceof UpstreamError) || error.transient) throw error;
      log.info({ code: error.code }, 'Slack takes no stream here; the plan is an edited message');
      if (LACKING.has(error.code ?? '')) offUntil = now + OFF_MS;
      return 'ordinary';
    }
    await tidy(slot, look);
    return ROTATE_MS;
  }

  /** The plan stands once: the message that was replaced goes. */
  async function tidy({ name }: LiveSlot, look: Look): Promise<void> {
    const { gone, ...known } = look.shown[name] ?? { hash: '', ts: null, channel: look.channel };
    if (gone === undefined) return;
    await survives(() => slack.remove({ channel: known.channel, ts: gone }));
    await look.set(name, known);
  }

  /** A stream whose beginning was never answered carries no mark, unlike everything else of ours in the thread. */
  async function removeStrays({ name }: LiveSlot, look: Look): Promise<void> {
    const { channel } = look;
    const thread = threadOf(look);
    const before = look.shown[name]?.ts ?? null;
    const strays = thread ? await slack.unmarked({ channel, thread }) : [];
    // Another process' living stream would be one of them.
    if (strays.length > 0) await look.still();
    for (const ts of strays) if (ts !== before) await survives(() => slack.remove({ channel, ts }));
    await restore(look, name, before);
  }
}

async function restore(look: Look, name: string, ts: string | null): Promise<void> {
  if (ts === null) await look.drop(name);
  else await look.set(name, { channel: look.channel, ts, hash: '' });
}

/** False where Slack says for good that it can't be done: the stream has ended, the message is gone. What may pass, such as an expired token, is thrown and tried again. */
async function survives(work: () => Promise<void>, isOver = (code: string) => OVER.has(code)): Promise<boolean> {
  try {
    await work();
    return true;
  } catch (error) {
    if (!(error instanceof UpstreamError) || error.transient || !isOver(error.code ?? '')) throw error;
    return false;
  }
}

/** Does nothing stand below it? Then whoever reads along sees it change. */
function isLast({ session, shown, channel }: Look, ts: string): boolean {
  const below = Object.values(shown).some((slot) => slot.ts && slot.channel === channel && Number(slot.ts) > Number(ts));
  return !below && !session.told.some((t) => t.ts !== null && Number(t.ts) > Number(ts));
}

function sentOf({ title, tasks }: Live): Record<string, string> {
  return { title, ...Object.fromEntries(tasks.map((task) => [task.id, shortHash(task)])) };
}
