import type { WebClient } from '@slack/web-api';
import type { Mark, Person, SlackService, Within } from './slack.ts';

type Call = <T>(method: string, work: () => Promise<T>, signal?: AbortSignal) => Promise<T>;
type Info = { name: string | null /** Whose direct messages it is. */; im: string | null };
type Found = {
  ts?: string;
  subtype?: string;
  user?: string;
  bot_id?: string;
  text?: string;
  metadata?: { event_type?: string; event_payload?: Record<string, unknown> };
  files?: { name?: string | null }[];
};

const CACHE_MS = 60_000;
/** A thread longer than this is not read to its end: 5 pages of 200. */
const PAGES = 5;

/** The part of Slack that only looks. */
export function slackLookups(
  web: WebClient,
  call: Call,
): Pick<
  SlackService,
  'find' | 'uploaded' | 'unmarked' | 'replies' | 'permalink' | 'self' | 'person' | 'groupMembers' | 'channel' | 'channelName' | 'channelNamed' | 'directWith'
> {
  const people = cache<Person | null>();
  const groups = cache<string[]>();
  const infos = cache<Info>();
  const channels = cache<Map<string, string>>();

  async function messages(query: { channel: string; thread?: string | undefined; oldest?: string | undefined }, signal?: AbortSignal): Promise<Found[]> {
    const found: Found[] = [];
    let cursor: string | undefined;
    for (let page = 0; page < PAGES; page++) {
      const common = {
        channel: query.channel,
        include_all_metadata: true,
        limit: 200,
        ...(cursor ? { cursor } : {}),
        ...(query.oldest ? { oldest: query.oldest } : {}),
      };
      const { thread } = query;
      const answer = thread
        ? await call('conversations.replies', () => web.conversations.replies({ ...common, ts: thread }), signal)
        : await call('conversations.history', () => web.conversations.history(common), signal);
      found.push(...((answer.messages ?? []) as Found[]));
      cursor = answer.response_metadata?.next_cursor || undefined;
      if (!cursor) break;
    }
    return found;
  }

  async function self(signal?: AbortSignal) {
    const me = await call('auth.test', () => web.auth.test(), signal);
    return { team: me.team_id ?? '', user: me.user_id ?? '', bot: me.bot_id ?? '' };
  }

  function info(channel: string, signal?: AbortSignal): Promise<Info> {
    return infos(channel, async () => {
      const asked = call('conversations.info', () => web.conversations.info({ channel }), signal);
      const found = (await orNull(asked, 'channel_not_found'))?.channel;
      return { name: found?.name ?? null, im: found?.is_im ? ((found as { user?: string }).user ?? null) : null };
    });
  }

  async function channelNow(channel: string, signal?: AbortSignal) {
    const asked = call('conversations.info', () => web.conversations.info({ channel }), signal);
    const found = (await orNull(asked, 'channel_not_found'))?.channel;
    return found ? { name: found.name ?? '', member: found.is_member === true, archived: found.is_archived === true } : null;
  }

  return {
    async find(query, signal) {
      const ours = (await messages(query, signal)).filter((m) => isMarked(m, query.mark));
      return ours.flatMap((m) => (m.ts ? [m.ts] : [])).sort((a, b) => Number(a) - Number(b));
    },
    async uploaded({ channel, thread, name, oldest }, signal) {
      return (await messages({ channel, thread, oldest }, signal)).some((m) => m.files?.some((f) => f.name === name));
    },
    async unmarked({ channel, thread }, signal) {
      const { user } = await self(signal);
      const ours = (await messages({ channel, thread }, signal)).filter((m) => m.user === user && m.metadata?.event_type !== 'labmate' && !m.files?.length);
      return ours.flatMap((m) => (m.ts ? [m.ts] : []));
    },
    async replies(query, signal) {
      const all = await messages(query, signal);
      // A tombstone stands for words that somebody took back.
      return all.flatMap((m) =>
        m.ts && m.subtype !== 'tombstone' ? [{ user: m.user ?? null, bot: m.bot_id !== undefined, text: m.text ?? '', ts: m.ts }] : [],
      );
    },
    async permalink({ channel, ts }, signal) {
      const answer = await call('chat.getPermalink', () => web.chat.getPermalink({ channel, message_ts: ts }), signal);
      return answer.permalink ?? null;
    },
    self,
    person(user, within, fresh) {
      const signal = signalOf(within);
      const ask = async () =>
        toPerson(
          await orNull(
            call('users.info', () => web.users.info({ user }), signal()),
            'user_not_found',
          ),
        );
      return people(user, ask, fresh);
    },
    groupMembers(usergroup, fresh, within) {
      const signal = signalOf(within);
      const ask = async () => (await call('usergroups.users.list', () => web.usergroups.users.list({ usergroup }), signal())).users ?? [];
      return groups(usergroup, ask, fresh);
    },
    channel: channelNow,
    channelName: async (channel, signal) => (await info(channel, signal)).name,
    directWith: async (channel, signal) => (await info(channel, signal)).im,
    async channelNamed(name, signal) {
      const all = await channels('all', async () => {
        const byName = new Map<string, string>();
        let cursor: string | undefined;
        for (let page = 0; page < PAGES; page++) {
          const query = { limit: 200, exclude_archived: true, types: 'public_channel,private_channel', ...(cursor ? { cursor } : {}) };
          const answer = await call('conversations.list', () => web.conversations.list(query), signal);
          for (const c of answer.channels ?? []) if (c.name && c.id) byName.set(c.name, c.id);
          cursor = answer.response_metadata?.next_cursor || undefined;
          if (!cursor) break;
        }
        return byName;
      });
      return all.get(name) ?? null;
    },
  };
}

/** Made where it is needed: what is known costs no timer. Its time runs from now on, though somebody else's request may be waited for first. */
function signalOf(within: Within | undefined): () => AbortSignal | undefined {
  if (typeof within !== 'number') return () => within;
  const until = performance.now() + within;
  return () => AbortSignal.timeout(Math.max(0, Math.round(until - performance.now())));
}

function isMarked(m: Found, mark: Mark): boolean {
  const payload = m.metadata?.event_payload;
  return m.metadata?.event_type === 'labmate' && payload?.['session'] === mark.session && payload['slot'] === mark.slot;
}

type UserInfo = Awaited<ReturnType<WebClient['users']['info']>>;

function toPerson(answer: UserInfo | null): Person | null {
  const user = answer?.user;
  if (!user?.id) return null;
  return {
    id: user.id,
    name: user.profile?.display_name || user.real_name || user.name || user.id,
    team: user.team_id ?? '',
    bot: user.is_bot === true,
    guest: user.is_restricted === true || user.is_ultra_restricted === true,
    stranger: user.is_stranger === true,
    deleted: user.deleted === true,
  };
}

async function orNull<T>(asked: Promise<T>, code: string): Promise<T | null> {
  try {
    return await asked;
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === code) return null;
    throw error;
  }
}

/** Remembers answers for a minute; failures are not remembered. */
function cache<T>(): (key: string, ask: () => Promise<T>, fresh?: boolean) => Promise<T> {
  const known = new Map<string, { until: number; value: T }>();
  const underWay = new Map<string, Promise<T>>();
  return async (key, ask, fresh) => {
    const hit = known.get(key);
    if (hit && hit.until > Date.now() && !fresh) return hit.value;
    // Its answer is still to come, so it is as fresh as one of our own. Where it fails, so that one caller's stop is nobody else's, each asks for itself.
    const shared = await underWay.get(key)?.then(
      (value) => ({ value }),
      () => null,
    );
    if (shared) return shared.value;
    const asking = ask().finally(() => {
      if (underWay.get(key) === asking) underWay.delete(key);
    });
    underWay.set(key, asking);
    const value = await asking;
    if (known.size > 5_000) known.clear();
    known.set(key, { until: Date.now() + CACHE_MS, value });
    return value;
  };
}
