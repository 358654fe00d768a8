import type { SandboxChannel } from '../../control-types.ts';
import type { Emit } from '../events.ts';
import type { Tickets } from '../tickets.ts';
import type { Json, World } from '../world.ts';

export type Answer = { ok: true; [field: string]: unknown } | { ok: false; error: string; [field: string]: unknown };

/** One call of a Web API method. `args` are texts, but for the fields that hold JSON. */
export type Call = { args: Json; world: World; tickets: Tickets; emit: Emit; origin: () => string; socketUrl: () => string | null; installed: Installed };

/** The app as it is installed: what its token may do, and what it was set up with. Null: as manifest.yml says. */
export type Installed = { scopes: string[] | null; manifest: unknown; revoked: boolean };
export type Method = (call: Call) => Answer;

export const no = (error: string, more: Json = {}): Answer => ({ ok: false, error, ...more });

export function text(args: Json, name: string): string | undefined {
  const value = args[name];
  return value === undefined || value === null || value === '' ? undefined : String(value);
}

export function flag(args: Json, name: string): boolean {
  return args[name] === true || args[name] === 'true' || args[name] === '1';
}

/** A channel by its id; a person's id means the direct messages with that person. */
export function channelOf({ world, args }: Call, name = 'channel'): SandboxChannel | null {
  const id = text(args, name);
  return world.data.channels.find((c) => c.id === id || (c.im !== undefined && c.im === id)) ?? null;
}

/** Why the app may not write there, or null. */
export function shut(channel: SandboxChannel): Answer | null {
  if (channel.archived) return no('is_archived');
  return channel.left ? no('not_in_channel') : null;
}

/** One page of a list. The cursor is the place to go on from, in base 64 as Slack's are. */
export function page<T>(args: Json, all: readonly T[], most: number): { items: T[]; has_more: boolean; response_metadata: { next_cursor: string } } {
  const limit = Math.max(1, Math.min(Number(text(args, 'limit') ?? most), 1000));
  const from = Number(Buffer.from(text(args, 'cursor') ?? '', 'base64').toString() || 0);
  const next = from + limit < all.length ? Buffer.from(String(from + limit)).toString('base64') : '';
  return { items: all.slice(from, from + limit), has_more: next !== '', response_metadata: { next_cursor: next } };
}
