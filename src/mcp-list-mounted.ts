import type { MountedServer, Offer } from './agent/mount.ts';
import { whereIs } from './agent/mounts.ts';
import type { Pins } from './agent/pins.ts';
import type { AnyConfig } from './config.ts';
import { lookAtMounts } from './look-at-mounts.ts';
import type { Choice } from './mcp-list.ts';
import { isDenied, judge } from './policy/judge.ts';
import { mountedName, mountedPrefix } from './policy/mounted-names.ts';
import { visible } from './policy/outside-text.ts';
import { masked, scrubber } from './policy/secrets.ts';
import { makeKeys } from './runtime/keys.ts';
import { openPins } from './runtime/pin-store.ts';
import { BRISK, connect } from './runtime/redis.ts';
import { type Definition, definitionHash, fitted, HOLDS_SECRET, holdsSecret } from './tools/foreign-definition.ts';

/** The rest of `labmate mcp ls`: every tool of every mounted server as it is offered now, held against what is pinned. Writes nothing down. */
export async function listMounted(config: AnyConfig, { readOnly, toolsets }: Choice): Promise<string[]> {
  const { mounted } = config;
  if (mounted.length === 0 || toolsets !== null) return [];
  const known = scrubber(config.secrets);
  const pinned = await pinsOf(config);
  const mounts = lookAtMounts(mounted, pinned ?? NOTHING);
  try {
    const lines = await Promise.all(
      mounted.map(async (server) => {
        const offer = await mounts.look(server).catch((error: Error) => error);
        const all = offer instanceof Error ? away(server, offer, pinned) : offered(server, offer, pinned?.get(server.key), config, readOnly);
        return all.map((line) => masked(known(line)));
      }),
    );
    const note = 'Tools of mounted servers are called by sessions in Slack; to a client of labmate mcp they are not offered.';
    return ['', ...lines.flat(), '', note];
  } finally {
    await mounts.close();
  }
}

const NOTHING: ReadonlyMap<string, Pins> = new Map();

/** Null where there is no Redis, or none that answers: then nothing is known of what was pinned. */
async function pinsOf({ redis }: AnyConfig): Promise<ReadonlyMap<string, Pins> | null> {
  if (!redis) return null;
  const connection = connect(redis.url, BRISK);
  connection.on('error', () => {});
  try {
    return await openPins(connection, makeKeys(redis.prefix), Date.now).read();
  } catch {
    return null;
  } finally {
    connection.disconnect();
  }
}

function away(server: MountedServer, error: Error, pinned: ReadonlyMap<string, Pins> | null): string[] {
  const pins = pinned?.get(server.key)?.tools.length;
  return [`${mountedPrefix(server.key)}*  ${origin(server)}  ${visible(error.message)}${pins === undefined ? '' : ` ${pins} tools of it are pinned.`}`];
}

function offered(server: MountedServer, { tools, unread }: Offer, pins: Pins | undefined, config: AnyConfig, readOnly: boolean): string[] {
  // What is pinned and not offered any more stands in the list too.
  const gone = (pins?.tools ?? []).filter((d) => !tools.some((t) => t.name === d.name));
  const lines = tools.flatMap((definition): [string, string][] => {
    const fit = fitted(definition);
    if (readOnly && !(server.trusted && fit.fit && fit.hints.readOnly)) return [];
    return [[mountedName(server.key, definition.name), fit.fit ? ruleOf(server, definition, pins, config) : `refused: ${visible(fit.why)}`]];
  });
  for (const { name } of gone) lines.push([mountedName(server.key, name), 'refused: it is pinned, and the server does not offer it any more']);
  if (lines.length === 0 && !readOnly) lines.push([`${mountedPrefix(server.key)}*`, 'it offers no tool']);
  for (const what of unread) lines.push([`${mountedPrefix(server.key)}*`, `not taken: ${visible(what)}`]);
  const width = Math.max(0, ...lines.map(([name]) => name.length)) + 2;
  return lines.map(([name, rule]) => `${name.padEnd(width)}${origin(server)}  ${rule}`);
}

function ruleOf(server: MountedServer, definition: Definition, pins: Pins | undefined, { permissions, mounted, secrets }: AnyConfig): string {
  const name = mountedName(server.key, definition.name);
  const pin = pins?.tools.find((d) => d.name === definition.name);
  const withheld = holdsSecret(definition, (text) => masked(scrubber(secrets)(text)));
  if (pins && !pin) return `refused: it is new since the server was pinned; ${withheld ? HOLDS_SECRET : 'approvers are asked when a session looks at it'}`;
  if (pin && definitionHash(pin) !== definitionHash(definition))
    return `refused: it says something else than was pinned; ${withheld ? HOLDS_SECRET : 'approvers are asked when a session calls it'}`;
  const fit = fitted(definition);
  const readOnly = server.trusted && fit.fit ? fit.hints.readOnly : undefined;
  // As a session stands at its beginning: where no server's words are believed, it has read text from outside already.
  const standing = { tainted: mounted.some((s) => !s.trusted), postsOutside: 0 };
  const verdict = judge({ tool: name, readOnly, foreign: true, touches: {} }, permissions, standing);
  const pinning = pin ? '' : '; not pinned yet';
  if (verdict.is === 'refuse') return `${isDenied(name, permissions) ? 'not shown and ' : ''}refused: ${verdict.why}${pinning}`;
  if (verdict.is === 'run') return `runs by itself (${verdict.rule})${readOnly ? '' : ', until the session has read text from outside'}${pinning}`;
  const uncovered = / auto( |$)/.test(verdict.rule) ? '; auto does not cover a write where the words of a server that is not trusted are read' : '';
  return `asks a person (${verdict.rule}${uncovered})${pinning}`;
}

function origin(server: MountedServer): string {
  return `${server.name} (${whereIs(server)}${server.trusted ? ', trusted' : ''})`;
}
