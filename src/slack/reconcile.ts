import { createHash } from 'node:crypto';
import type { RunProgress } from '../runtime/progress.ts';
import type { Limiter, Show, ShownSlot, Slots } from '../runtime/reading.ts';
import { UpstreamError } from '../services/http.ts';
import type { Block, SlackService } from '../services/slack.ts';
import type { Session } from '../session/state.ts';
import type { Log } from './log.ts';
import type { Slot } from './narrate.ts';
import { pictureOf } from './picture.ts';
import { hasChart, plainer, withoutCharts } from './plainer.ts';

type Options = {
  slack: SlackService;
  narrate: (session: Session, progress: readonly RunProgress[], now: number, links: Readonly<Record<string, string>>) => Slot[];
  /** Ms until it says something else though nothing has happened; null when time changes nothing. */
  changesIn?: (session: Session, now: number) => number | null;
  /** The bytes of a stored payload. */
  blob: (sha256: string) => Promise<Uint8Array>;
  log: Log;
};

type Message = Extract<Slot, { text: string }>;
type File = Extract<Slot, { file: unknown }>;

/** One look at one thread: what it shows, and how to write down a change of that. */
type Look = {
  session: Session;
  channel: string;
  limiter: Limiter;
  now: number;
  shown: Record<string, ShownSlot>;
  set(slot: string, is: Omit<ShownSlot, 'channel'> & { channel?: string }): Promise<void>;
  drop(slot: string): Promise<void>;
};

/** Ms until it must be looked at again; null when it stands as it should. */
type Again = number | null;

/** A request to Slack is over after this long; only then can a look-up tell whether it arrived. */
const IN_FLIGHT_MS = 6_000;
const AGAIN_MS = 2_000;
const EDIT_EVERY_MS = 1_000;
const POST_EVERY_MS = 1_000;

/**
 * Brings a thread to what its session says: posts what is missing, in order, and edits what differs. A post is written down as begun before it is sent, so
 * one whose reply was lost is looked up by its metadata and not posted again.
 */
export function makeShow({ slack, narrate, changesIn, blob, log }: Options): Show {
  const permalinks = new Map<string, string>();

  return async (session, slots, limiter, now, progress = []) => {
    const look = await lookAt(session, slots, limiter, now);
    let again: Again = changesIn?.(session, now) ?? null;
    let mayPost = true;
    for (const slot of await wanted(look, progress)) {
      const known = look.shown[slot.name];
      const hash = hashOf(slot);
      if (known?.hash === hash && known.trying === undefined) continue;
      // Nothing can stand in a thread without its root, and what comes later must not stand above what comes first.
      if (!known?.ts && (!mayPost || (slot.thread && !threadOf(look)))) continue;
      const wait = await bring(slot, hash, look).catch((error: unknown) => failed(error, slot, hash, look));
      if (wait === null) continue;
      again = Math.min(again ?? wait, wait);
      if (!look.shown[slot.name]?.ts) mayPost = false;
    }
    return again === null ? null : { againInMs: again };
  };

  /** What the thread should show; where part of it stands in another channel, each part links to the other. */
  async function wanted(look: Look, progress: readonly RunProgress[]): Promise<Slot[]> {
    const first = narrate(look.session, progress, look.now, {});
    if (!first.some((slot) => slot.channel)) return first;
    const links: Record<string, string> = {};
    for (const { name } of first.filter((slot) => slot.channel || slot.name === 'root')) {
      const { channel, ts } = look.shown[name] ?? {};
      if (!channel || !ts) continue;
      const key = `${channel} ${ts}`;
      const url = permalinks.get(key) ?? (await slack.permalink({ channel, ts }).catch(() => null));
      if (!url) continue;
      if (permalinks.size > 1_000) permalinks.clear();
      permalinks.set(key, url);
      links[name] = url;
    }
    return narrate(look.session, progress, look.now, links);
  }

  function bring(slot: Slot, hash: string, look: Look): Promise<Again> {
    return 'file' in slot ? upload(slot, hash, look) : bringMessage(slot, hash, look);
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
      await send((content) => slack.update({ channel, ts, ...content, mark: mark(session, slot) }));
      await look.set(slot.name, { channel, ts, hash, ...(chartless ? { chartless } : {}), ...(early ? { trying: begun } : {}) });
      return early ? IN_FLIGHT_MS - (now - begun) : null;
    }

    const wait = await limiter(`post:${channel}`, POST_EVERY_MS);
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
    const oldest = thread ? {} : { oldest: String(Math.floor(session.opened.m / 1000) - 60) };
    const [first, ...twice] = await slack.find({ channel, thread, mark: mark(session, slot), ...oldest });
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
    const there = begun !== undefined && thread !== undefined && (await slack.uploaded({ channel, thread, name: file.name }));
    if (!there) {
      const wait = await look.limiter(`post:${channel}`, POST_EVERY_MS);
      if (wait > 0) return wait;
      const { name, data } = await contentOf(file, blob);
      await look.set(slot.name, { ts: null, hash: '', trying: now });
      await slack.upload({ channel, thread, name, data, title: file.title, alt: file.alt });
    }
    await look.set(slot.name, { ts: null, hash });
    return null;
  }

  /** What Slack refuses for good is not tried again until its content changes; what passes is. */
  async function failed(error: unknown, slot: Slot, hash: string, look: Look): Promise<Again> {
    if (!(error instanceof UpstreamError)) throw error;
    const facts = { session: look.session.id, slot: slot.name, code: error.code, status: error.status };
    const known = look.shown[slot.name];
    if (!error.transient) {
      log.error(facts, `a message cannot be shown as it should: ${error.message}`);
      await look.set(slot.name, { ...(slot.channel ? { channel: slot.channel } : {}), ts: known?.ts ?? null, hash });
      return null;
    }
    log.warn(facts, error.message);
    // An answer of Slack's own, not a silence: the message is surely not there.
    if (!known?.ts && (error.status === 200 || error.status === 429)) await look.drop(slot.name);
    return error.retryAfterMs ?? AGAIN_MS;
  }
}

async function contentOf(file: File['file'], blob: Options['blob']): Promise<{ name: string; data: Uint8Array }> {
  if ('chart' in file) return pictureOf(file.chart, file.name);
  return { name: file.name, data: 'content' in file ? new TextEncoder().encode(file.content) : await blob(file.sha256) };
}

async function lookAt(session: Session, slots: Slots, limiter: Limiter, now: number): Promise<Look> {
  const { channel } = session.opened;
  const shown = { ...(await slots.all()) };
  return {
    session,
    channel,
    limiter,
    now,
    shown,
    async set(slot, is) {
      await slots.set(slot, { channel, ...is });
      shown[slot] = { channel, ...is };
    },
    async drop(slot) {
      await slots.drop(slot);
      delete shown[slot];
    },
  };
}

function threadOf({ session, shown }: Look): string | undefined {
  return session.opened.thread ?? shown['root']?.ts ?? undefined;
}

function mark(session: Session, slot: Slot) {
  return { session: session.id, slot: slot.name };
}

function hashOf(slot: Slot): string {
  const content = 'file' in slot ? slot.file : { text: slot.text, blocks: slot.blocks };
  return createHash('sha256').update(JSON.stringify(content)).digest('hex').slice(0, 32);
}
