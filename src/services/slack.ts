import type { types } from '@slack/bolt';

export type Block = types.KnownBlock | { type: string; [key: string]: unknown };

/** What is marked on every message we post, so that a post whose reply was lost can be found again. */
export type Mark = { session: string; slot: string };

/** Outgoing Slack, one call each, no retries and no decisions. Throws UpstreamError. */
export type SlackService = {
  post(
    message: { channel: string; thread?: string | undefined; text: string; blocks?: Block[] | undefined; mark: Mark },
    signal?: AbortSignal,
  ): Promise<{ ts: string }>;
  update(message: { channel: string; ts: string; text: string; blocks?: Block[] | undefined; mark: Mark }, signal?: AbortSignal): Promise<void>;
  remove(message: { channel: string; ts: string }, signal?: AbortSignal): Promise<void>;
  /** Our own messages with this mark, oldest first: in the thread, or in the channel since `oldest` where there is no thread. */
  find(query: { channel: string; thread?: string | undefined; mark: Mark; oldest?: string | undefined }, signal?: AbortSignal): Promise<string[]>;
  replies(query: { channel: string; thread: string }, signal?: AbortSignal): Promise<{ user: string | null; bot: boolean; text: string; ts: string }[]>;
  upload(
    file: { channel: string; thread?: string | undefined; name: string; data: Uint8Array; title: string; alt: string; comment?: string | undefined },
    signal?: AbortSignal,
  ): Promise<void>;
  permalink(message: { channel: string; ts: string }, signal?: AbortSignal): Promise<string | null>;
  /** Cached for a minute. */
  person(user: string, signal?: AbortSignal): Promise<Person | null>;
  /** Members of a user group, cached for a minute unless `fresh`. */
  groupMembers(group: string, fresh?: boolean, signal?: AbortSignal): Promise<string[]>;
};

export type Person = { id: string; name: string; team: string; bot: boolean; guest: boolean; stranger: boolean; deleted: boolean };
