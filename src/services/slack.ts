import type { types } from '@slack/bolt';
import { type ChatPostMessageArguments, type ChatUpdateArguments, type ViewsOpenArguments, WebClient } from '@slack/web-api';
import { httpFetch } from '../http-fetch.ts';
import { type SlackAgents, slackAgents } from './slack-agents.ts';
import { slackError } from './slack-errors.ts';
import { slackLookups } from './slack-lookups.ts';

export type Block = types.KnownBlock | { type: string; [key: string]: unknown };

/** What is marked on every message we post, so that a post whose reply was lost can be found again. */
export type Mark = { session: string; slot: string };

/** A modal. What it is about travels in `private_metadata` as an id and nothing else. */
export type View = types.ModalView;
/** A person's Home tab. */
export type HomeView = { type: 'home'; blocks: Block[] };

/** How long an answer is waited for: until this signal, or so many ms from the call on. */
export type Within = AbortSignal | number;

/** Outgoing Slack, one call each, no retries and no decisions. Throws UpstreamError. */
export type SlackService = {
  post(
    message: { channel: string; thread?: string | undefined; text: string; blocks?: Block[] | undefined; mark: Mark },
    signal?: AbortSignal,
  ): Promise<{ ts: string }>;
  update(message: { channel: string; ts: string; text: string; blocks?: Block[] | undefined; mark: Mark }, signal?: AbortSignal): Promise<void>;
  remove(message: { channel: string; ts: string }, signal?: AbortSignal): Promise<void>;
  /** Shown to one person only. */
  whisper(message: { channel: string; thread?: string | undefined; user: string; text: string; blocks?: Block[] | undefined }): Promise<void>;
  /** Answers a click or a command privately at its `response_url`; refuses a host that is not Slack's. */
  respond(responseUrl: string, message: { text: string; blocks?: Block[] | undefined; thread?: string | undefined }): Promise<void>;
  /** Answers the view's id. The trigger lives 3 s and counts once. */
  openModal(triggerId: string, view: View): Promise<string>;
  updateModal(viewId: string, view: View): Promise<void>;
  /** Shows one person this Home tab in place of the last. */
  publishHome(user: string, view: HomeView, signal?: AbortSignal): Promise<void>;
  /** Our own messages with this mark, oldest first: in the thread, or in the channel where there is no thread; since `oldest` where that is given. */
  find(query: { channel: string; thread?: string | undefined; mark: Mark; oldest?: string | undefined }, signal?: AbortSignal): Promise<string[]>;
  /** Whether a file of this name stands in the thread already: files carry no mark. */
  uploaded(query: { channel: string; thread: string; name: string; oldest?: string | undefined }, signal?: AbortSignal): Promise<boolean>;
  /** Our own messages in the thread that carry no mark and no file: streams that nobody has ended. */
  unmarked(query: { channel: string; thread: string }, signal?: AbortSignal): Promise<string[]>;
  replies(query: { channel: string; thread: string }, signal?: AbortSignal): Promise<{ user: string | null; bot: boolean; text: string; ts: string }[]>;
  upload(
    file: { channel: string; thread?: string | undefined; name: string; data: Uint8Array; title: string; alt: string; comment?: string | undefined },
    signal?: AbortSignal,
  ): Promise<void>;
  permalink(message: { channel: string; ts: string }, signal?: AbortSignal): Promise<string | null>;
  /** Who we are. */
  self(signal?: AbortSignal): Promise<{ team: string; user: string; bot: string }>;
  /** Who somebody is, cached for a minute unless `fresh`. Null: Slack does not know them. */
  person(user: string, within?: Within, fresh?: boolean): Promise<Person | null>;
  /** Members of a user group, cached for a minute unless `fresh`. */
  groupMembers(group: string, fresh?: boolean, within?: Within): Promise<string[]>;
  /** A channel as it is now. Null: the app cannot see it. */
  channel(channel: string, signal?: AbortSignal): Promise<{ name: string; member: boolean; archived: boolean } | null>;
  /** A channel's name without `#`, cached for a minute. Null: the app cannot see it. */
  channelName(channel: string, signal?: AbortSignal): Promise<string | null>;
  /** A channel's id by its exact name, cached for a minute. */
  channelNamed(name: string, signal?: AbortSignal): Promise<string | null>;
  /** Whose direct messages with the app a channel is, cached for a minute. Null: it is something else, or the app is not in it. */
  directWith(channel: string, signal?: AbortSignal): Promise<string | null>;
  agents: SlackAgents;
};

export type Person = { id: string; name: string; team: string; bot: boolean; guest: boolean; stranger: boolean; deleted: boolean };

const TIMEOUT_MS = 5_000;
/** More than all threads that are at work ask at once: what a person waits for stands in no line behind those that hang, as it would behind the SDK's hundred. */
const MOST_AT_ONCE = 1_000;
/** Whoever clicked waits for the form, and Slack waits 3 s for an acknowledgement that comes after it. */
const MODAL_MS = 2_000;

export type SlackLogin = { token: string; apiUrl?: string | undefined };

/** The real one. `apiUrl` points it elsewhere; retries are off, because a lost reply retried is a second message. */
export function slackService({ token, apiUrl }: SlackLogin): SlackService {
  const ask = plainly(httpFetch());
  const web = new WebClient(token, {
    ...(apiUrl ? { slackApiUrl: apiUrl } : {}),
    fetch: ask,
    retryConfig: { retries: 0 },
    rejectRateLimitedCalls: true,
    timeout: TIMEOUT_MS,
    maxRequestConcurrency: MOST_AT_ONCE,
    logger: silent,
  });

  async function call<T>(method: string, work: () => Promise<T>, signal?: AbortSignal): Promise<T> {
    try {
      return await orAborted(work(), signal);
    } catch (error) {
      if (signal?.aborted) throw error;
      throw slackError(method, error);
    }
  }

  const look = slackLookups(web, call);
  return {
    ...look,
    agents: slackAgents(web, call, metadata),
    async post({ channel, thread, text, blocks, mark }, signal) {
      const message = {
        channel,
        text,
        ...(thread ? { thread_ts: thread } : {}),
        ...(blocks ? { blocks } : {}),
        ...quiet,
        mrkdwn: false,
        metadata: metadata(mark),
      } as ChatPostMessageArguments;
      const answer = await call('chat.postMessage', () => web.chat.postMessage(message), signal);
      if (!answer.ts) throw slackError('chat.postMessage', new Error('no ts in the answer'));
      return { ts: answer.ts };
    },
    async update({ channel, ts, text, blocks, mark }, signal) {
      // An empty list takes old blocks away; leaving them out would keep them, live buttons included.
      const message = { channel, ts, text, blocks: blocks ?? [], parse: 'none', link_names: false, metadata: metadata(mark) } as unknown as ChatUpdateArguments;
      await call('chat.update', () => web.chat.update(message), signal);
    },
    async remove({ channel, ts }, signal) {
      await call('chat.delete', () => web.chat.delete({ channel, ts }), signal);
    },
    async whisper({ channel, thread, user, text, blocks }) {
      const message = { channel, user, text, ...(thread ? { thread_ts: thread } : {}), ...(blocks ? { blocks } : {}), parse: 'none', link_names: false };
      await call('chat.postEphemeral', () => web.apiCall('chat.postEphemeral', message));
    },
    async respond(responseUrl, { text, blocks, thread }) {
      if (!isSlacks(responseUrl, apiUrl)) throw slackError('response_url', new Error('not a host of Slack'));
      const body = JSON.stringify({
        response_type: 'ephemeral',
        replace_original: false,
        text,
        ...(thread ? { thread_ts: thread } : {}),
        ...(blocks ? { blocks } : {}),
      });
      await call('response_url', async () => {
        const headers = { 'content-type': 'application/json; charset=utf-8' };
        const answer = await ask(responseUrl, { method: 'POST', headers, body, redirect: 'error', signal: AbortSignal.timeout(TIMEOUT_MS) });
        if (!answer.ok) throw new Error(`HTTP ${answer.status}`);
      });
    },
    async openModal(triggerId, view) {
      const tooSlow = AbortSignal.timeout(MODAL_MS);
      const opening = () => orAborted(web.views.open({ trigger_id: triggerId, view } as ViewsOpenArguments), tooSlow);
      const answer = await call('views.open', opening);
      return answer.view?.id ?? '';
    },
    async updateModal(viewId, view) {
      await call('views.update', () => web.views.update({ view_id: viewId, view }));
    },
    async publishHome(user, view, signal) {
      await call('views.publish', () => web.views.publish({ user_id: user, view: view as types.HomeView }), signal);
    },
    async upload({ channel, thread, name, data, title, alt, comment }, signal) {
      const file = {
        file: Buffer.from(data),
        filename: name,
        title,
        alt_text: alt,
        channel_id: channel,
        ...(thread ? { thread_ts: thread } : {}),
        ...(comment ? { initial_comment: comment } : {}),
      } as Parameters<typeof web.filesUploadV2>[0];
      await call('files.completeUploadExternal', () => web.filesUploadV2(file), signal);
    },
  };
}

/** Half of what a call takes is Node's fetch. Files are left to it: theirs is a form of parts, which it writes. */
function plainly(ask: typeof fetch): typeof fetch {
  return (input, init) => (typeof init?.body === 'string' ? ask(input, init) : fetch(input, init));
}

const quiet = { unfurl_links: false, unfurl_media: false, parse: 'none', link_names: false } as const;

function metadata({ session, slot }: Mark) {
  return { event_type: 'labmate', event_payload: { session, slot } };
}

/** A token must never follow a forged response_url; neither should our sentences. */
function isSlacks(responseUrl: string, apiUrl: string | undefined): boolean {
  if (!URL.canParse(responseUrl)) return false;
  const { protocol, hostname, host } = new URL(responseUrl);
  if (apiUrl && URL.canParse(apiUrl) && host === new URL(apiUrl).host) return true;
  return protocol === 'https:' && (hostname === 'hooks.slack.com' || hostname === 'hooks.slack-gov.com');
}

function orAborted<T>(work: Promise<T>, signal: AbortSignal | undefined): Promise<T> {
  if (!signal) return work;
  // The SDK takes no signal; the request itself ends at its own timeout.
  work.catch(() => undefined);
  return new Promise((resolve, reject) => {
    const aborted = () => reject(signal.reason);
    if (signal.aborted) return aborted();
    signal.addEventListener('abort', aborted, { once: true });
    work.then(resolve, reject).finally(() => signal.removeEventListener('abort', aborted));
  });
}

/** Failures reach the caller as errors; the SDK would also print them, to stdout, which may belong to a protocol. */
const silent = {
  debug() {},
  info() {},
  warn() {},
  error() {},
  setLevel() {},
  getLevel: () => 'error' as never,
  setName() {},
};
