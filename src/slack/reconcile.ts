import type { RunProgress } from '../runtime/progress.ts';
import type { Show } from '../runtime/reading.ts';
import { UpstreamError } from '../services/http.ts';
import type { Block, SlackService } from '../services/slack.ts';
import { LACKING, SHUT } from '../services/slack-errors.ts';
import type { Session } from '../session/state.ts';
import { makeLive } from './live.ts';
import type { Log } from './log.ts';
import { type Again, EDIT_EVERY_MS, hashOf, IN_FLIGHT_MS, type Look, lookAt, makePlaces, mark, threadOf } from './look.ts';
import type { Slot } from './narrate.ts';
import { pictureOf } from './picture.ts';
import { hasChart, plainer, withoutCharts } from './plainer.ts';
import { afterRefusal } from './refused-slot.ts';

type Options = {
  slack: SlackService;
  narrate: (
    session: Session,
    progress: readonly RunProgress[],
    now: number,
    links: Readonly<Record<string, string>>,
    /** Slots that Slack did not let stand where they should. */
    missing: readonly string[],
  ) => Slot[];
  /** Ms until it says something else though nothing has happened; null when time changes nothing. */
  changesIn?: (session: Session, now: number) => number | null;
  /** The bytes of a stored payload. */
  blob: (sha256: string) => Promise<Uint8Array>;
  log: Log;
};

type Message = Extract<Slot, { text: string }>;
type File = Extract<Slot, { file: unknown }>;
type Status = Extract<Slot, { status: unknown }>;

/** All conversations of a workspace together: Slack takes fifty changes in a minute. */
const STATUS_EVERY_MS = 1_200;
/** So long a workspace that has no such thing is not asked again. */
const OFF_MS = 600_000;

/**
 * Brings a thread to what its session says: posts what is missing, in order, and edits what differs. A post is written down as begun before it is sent, so
 * one whose reply was lost is looked up by its metadata and not posted again.
 */
export function makeShow({ slack, narrate, changesIn, blob, log }: Options): Show {
  const permalinks = new Map<string, string>();
  const placeIn = makePlaces();
  const bringLive = makeLive({ slack, log, placeIn });
  let statusOffUntil = 0;

  return async (session, slots, limiter, now, progress = []) => {
    const look = await lookAt(session, slots, limiter, now);
    let again: Again = changesIn?.(session, now) ?? null;
    let mayPost = true;
    for (const slot of decidedFirst(await wanted(look, progress), look)) {
      const known = look.shown[slot.name];
      const hash = hashOf(slot);
      if (known?.hash === hash && known.trying === undefined && !known.stream && !known.gone) continue;
      if (known?.refused?.hash === hash && known.refused.until > now) {
        again = Math.min(again ?? Number.POSITIVE_INFINITY, known.refused.until - now);
        continue;
      }
      // Nothing can stand in a thread without its root, and what comes later must not stand above what comes first.
      if (!known?.ts && (!mayPost || (slot.thread && !threadOf(look)))) continue;
      const wait = await bring(slot, hash, look).catch((error: unknown) => afterRefusal(error, slot, hash, look, log));
      if (wait === null) continue;
      again = Math.min(again ?? wait, wait);
      // What stands in another channel holds up nothing here, nor does one message that Slack does not take.
      const is = look.shown[slot.name];
      if (!is?.ts && !is?.refused && !('status' in slot) && !slot.channel) mayPost = false;
    }
    return again === null ? null : { againInMs: again };
  };

  /** What the thread should show; where part of it stands in another channel, each part links to the other. */
  async function wanted(look: Look, progress: readonly RunProgress[]): Promise<Slot[]> {
    const first = narrate(look.session, progress, look.now, {}, []);
    if (!first.some((slot) => slot.channel)) return first;
    const links: Record<string, string> = {};
    for (const { name } of first.filter((slot) => slot.channel || slot.name === 'root')) {
      const { channel, ts } = look.shown[name] ?? {};
      if (!channel || !ts) continue;
      const key = `${channel} ${ts}`;
      // Of many, with a slow Slack, the turn would be over before the first message.
      if (!permalinks.has(key)) await look.still();
      const url = permalinks.get(key) ?? (await slack.permalink({ channel, ts }).catch(() => null));
      if (!url) continue;
      if (permalinks.size > 1_000) permalinks.clear();
      permalinks.set(key, url);
      links[name] = url;
    }
    return narrate(look.session, progress, look.now, links, look.missing);
  }

  async function bring(slot: Slot, hash: string, look: Look): Promise<Again> {
    if ('file' in slot) return upload(slot, hash, look);
    if ('status' in slot) return setStatus(slot, hash, look);
    const live = slot.live ? await bringLive({ ...slot, live: slot.live }, hash, look) : 'ordinary';
    return live === 'ordinary' ? bringMessage(slot, hash, look) : live;
  }

  /** What Slack itself shows of a conversation. It is no message: where there is no such thing, nothing is missing. */
  async function setStatus({ name, status, title }: Status, hash: string, look: Look): Promise<Again> {
    const { channel, session, now } = look;
    const thread = threadOf(look);
    if (!thread || now < statusOffUntil) return null;
    const wait = await look.limiter('agents.sessions', STATUS_EVERY_MS);
    if (wait > 0) return wait;
    await look.still();
    try {
      await slack.agents.setStatus({ channel, thread, status, title, by: session.opened.by });
    } catch (error) {
      if (!(error instanceof UpstreamError) || error.transient) throw error;
      if (SHUT.has(error.code ?? '')) throw error;
      log.info({ code: error.code }, 'Slack does not show the state of a conversation');
      if (LACKING.has(error.code ?? '')) statusOffUntil = now + OFF_MS;
    }
    await look.set(name, { ts: null, hash });
    return null;
  }

  async function bringMessage(slot: Message, hash: string, look: Look): Promise<Again> {
    const { session, limiter, now } = look;
    const channel = slot.channel ?? look.channel;
    const begun = look.shown[slot.name]?.trying;
    // Asked for once, its answer holds: the chart is left out without asking again.
    let chartless = look.shown[slot.name]?.chartless ?? false;
    const sending = chartless ? withoutCharts(slot) : slot;
    const send = <T>(how: (content: { text: string; blocks?: Block[] }) => Promise<T>) =>
      plainer(sending, session.id, log, async (content) => {
        const sent = await how(content);
        chartless ||= hasChart(sending.blocks) && !hasChart(content.blocks ?? []);
        return sent;
      });
    const early = begun !== undefined && now - begun < IN_FLIGHT_MS;
    if (early && (look.shown[slot.name]?.ts === null || look.shown[slot.name]?.hash === hash)) return IN_FLIGHT_MS - (now - begun);
    if (begun !== undefined && !early) await lookUp(slot, look);

    const known = look.shown[slot.name];
    if (known?.ts) {
      if (known.hash === hash) return null;
      const wait = await limiter(`edit:${session.id}`, EDIT_EVERY_MS);
      if (wait > 0) return wait;
      const { ts } = known;
      await look.still();
      await send((content) => slack.update({ channel, ts, ...content, mark: mark(session, slot) }));
      await look.set(slot.name, { channel, ts, hash, ...(chartless ? { chartless } : {}), ...(early ? { trying: begun } : {}) });
      return early ? IN_FLIGHT_MS - (now - begun) : null;
    }

    const wait = await placeIn(channel, look);
    if (wait > 0) return wait;
    await look.set(slot.name, { channel, ts: null, hash: '', trying: now });
    const thread = slot.thread ? threadOf(look) : undefined;
    const { ts } = await send((content) => slack.post({ channel, thread, ...content, mark: mark(session, slot) }));
    // After a look-up that found nothing, the first request may still land: look once more later.
    await look.set(slot.name, { channel, ts, hash, ...(chartless ? { chartless } : {}), ...(begun === undefined ? {} : { trying: now }) });
    return begun === undefined ? null : IN_FLIGHT_MS;
  }

  /** Finds what an earlier attempt posted. Of two that both arrived the later is taken away. */
  async function lookUp(slot: Message, look: Look): Promise<void> {
    const { session } = look;
    const channel = slot.channel ?? look.channel;
    const thread = slot.thread ? threadOf(look) : undefined;
    const [first, ...twice] = await slack.find({
      channel,
      thread,
      mark: mark(session, slot),
      oldest: sinceBegun(look.shown[slot.name]?.trying ?? session.opened.m),
    });
    for (const extra of twice) await slack.remove({ channel, ts: extra });
    const known = look.shown[slot.name];
    const ts = first ?? known?.ts ?? null;
    if (ts) await look.set(slot.name, { channel, ts, hash: known?.hash ?? '' });
  }

  async function upload(slot: File, hash: string, look: Look): Promise<Again> {
    const { channel, now } = look;
    const { file } = slot;
    if ('chart' in file && !look.shown[file.instead]?.chartless) return null;
    const thread = threadOf(look);
    const begun = look.shown[slot.name]?.trying;
    if (begun !== undefined && now - begun < IN_FLIGHT_MS) return IN_FLIGHT_MS - (now - begun);
    const there = begun !== undefined && thread !== undefined && (await slack.uploaded({ channel, thread, name: file.name, oldest: sinceBegun(begun) }));
    if (!there) {
      const wait = await placeIn(channel, look);
      if (wait > 0) return wait;
      const { name, data } = await contentOf(file, blob);
      await look.set(slot.name, { ts: null, hash: '', trying: now });
      await slack.upload({ channel, thread, name, data, title: file.title, alt: file.alt });
    }
    await look.set(slot.name, { ts: null, hash });
    return null;
  }
}

/** As Slack writes times, ten minutes early: two clocks. A thread is read from its beginning, and not to the end of a long one. */
function sinceBegun(ms: number): string {
  return String(Math.floor(ms / 1000) - 600);
}

/** Edits are few, and the plan changes all the time: what stands there with buttons that count no more does not wait for it. */
function decidedFirst(slots: readonly Slot[], { shown }: Look): Slot[] {
  const stands = slots.filter((slot) => slot.name !== 'plan' && shown[slot.name]?.ts);
  return [...stands, ...slots.filter((slot) => !stands.includes(slot))];
}

async function contentOf(file: File['file'], blob: Options['blob']): Promise<{ name: string; data: Uint8Array }> {
  if ('chart' in file) return pictureOf(file.chart, file.name);
  return { name: file.name, data: 'content' in file ? new TextEncoder().encode(file.content) : await blob(file.sha256) };
}
