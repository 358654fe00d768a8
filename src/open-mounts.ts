import type { MountedServer } from './agent/mount.ts';
import { type Mounts, openMounts } from './agent/mounts.ts';
import { type Difference, differenceId, type PinStore } from './agent/pins.ts';
import type { CoreConfig } from './config.ts';
import type { Log } from './log.ts';
import type { Core } from './open-core.ts';
import { matches } from './policy/environments.ts';
import { isDenied } from './policy/judge.ts';
import { couldMatch, mountedName, mountedPrefix } from './policy/mounted-names.ts';
import { approversOf } from './policy/rules.ts';
import { openPins } from './runtime/pin-store.ts';
import { ACCEPT_TOOLS, LABMATE } from './session/door.ts';
import { acceptMcpTools } from './tools/accept-mcp-tools.ts';
import { catalog } from './tools/catalog.ts';
import type { WriteTool } from './tools/define-tool.ts';
import { definitionHash } from './tools/foreign-definition.ts';

/** The mounted servers, and the call by which approvers agree to what one offers. */
export type Mounting = { mounts: Mounts; accept: WriteTool };

/** `connects`: false for a process that only looks at what is pinned. */
export function mountServers(config: CoreConfig, core: Core, log: Log, connects: boolean): Mounting {
  const pins = openPins(core.redis, core.keys, core.log.now);
  const mounts = openMounts({
    servers: config.mounted,
    pins,
    connects,
    now: Date.now,
    denied: (tool) => isDenied(tool, config.permissions),
    warn: (facts, message) => log.warn(facts, message),
    said: (server, line) => log.debug({ server, line }, 'an MCP server wrote'),
    drifted: (server, all) => review(server, all, config, core),
  });
  return { mounts, accept: acceptTool(pins) };
}

/** A rule for tools that no mounted server has protects nobody: start-up stops. Of a server that was never listed nothing is known yet, and that is said. */
export async function checkMountedRules({ mounted, permissions }: CoreConfig, core: Core, log: Log): Promise<void> {
  const pinned = await openPins(core.redis, core.keys, core.log.now).read();
  for (const { tool } of permissions.policy.rules) {
    const could = mounted.filter((server) => couldMatch(tool, mountedPrefix(server.key)));
    if (could.length === 0 || catalog.some((own) => matches(tool, own.name))) continue;
    const matching = could.some((s) => pinned.get(s.key)?.tools.some((d) => matches(tool, mountedName(s.key, d.name))));
    const unseen = could.filter((s) => !pinned.has(s.key)).map((s) => s.name);
    if (matching) continue;
    if (unseen.length === 0)
      throw new Error(
        `labmate.json: a rule of "policy" names the tool "${tool}", and ${could.map((s) => s.name).join(' and ')} offers none of that name; see labmate mcp ls.`,
      );
    log.warn(`labmate.json: whether the rule for "${tool}" matches a tool is not known yet, as ${unseen.join(' and ')} was never listed`);
  }
}

function acceptTool(pins: PinStore): WriteTool {
  return acceptMcpTools({ pinned: async (key) => (await pins.read()).get(key)?.tools ?? [], replace: pins.replace });
}

/** What stands on one card must be readable there. */
const ON_ONE_CARD = 24_000;
const MOST_CARDS = 8;
const UNASKED_MS = 24 * 3_600_000;

/**
 * Asks approvers about the difference: a session of its own, as a client at a door has one, whose calls are the questions. Every worker that finds the same difference
 * opens the same session. One that was declined or stopped stays so, until the server offers something else. One that ran out is asked again, and so is one that was
 * accepted and is a difference once more, as the server went back in between.
 */
async function review(server: MountedServer, all: readonly Difference[], { permissions, channels }: CoreConfig, core: Core): Promise<void> {
  const { deliver, reading, services } = core;
  const team = (await services.slack?.self())?.team;
  const channel = approversOf(ACCEPT_TOOLS, permissions.approvers)?.channel ?? channels[0];
  if (team === undefined || channel === undefined) throw new Error('there is no Slack, or no channel, in which anybody could be asked');
  const id = differenceId(server.key, all);
  for (let round = 0; ; round++) {
    const session = `r${id}${round === 0 ? '' : `-${round}`}`;
    const before = await reading.session(session);
    if (before?.ended) {
      const asked = [...before.approvals.values()];
      if (before.ended.outcome === 'stopped' || asked.some((a) => a.state === 'denied')) return;
      // Nobody could be asked: labmate.json may have been mended meanwhile.
      if (asked.length === 0 && core.log.now() - Date.parse(before.ended.at) < UNASKED_MS) return;
      continue;
    }
    const prompt = `What the MCP server ${server.name} offers is not what was pinned.`;
    const place = { team, channel, thread: null, place: `review-${session}`, by: LABMATE, prompt, door: 'mcp' } as const;
    const opened = await deliver(`open:${session}`, { do: 'open', session, ...place });
    if (opened.is === 'limit') throw new Error(`there are ${opened.limit} questions of this kind already`);
    for (const [n, changes] of cardsOf(all).entries()) {
      const call = `${session}-${n}`;
      const input = { server: server.name, key: server.key, changes };
      await deliver(`ask:${call}`, { do: 'ask', session, call, client: LABMATE, tool: ACCEPT_TOOLS, input });
    }
    return;
  }
}

function cardsOf(all: readonly Difference[]) {
  const cards: { tool: string; pinned_sha256: string | null; becomes: object }[][] = [];
  let room = 0;
  for (const { tool, pinned, offered } of all) {
    if (!offered) continue;
    const change = { tool, pinned_sha256: pinned ? definitionHash(pinned) : null, becomes: offered };
    const size = JSON.stringify(change).length;
    if (size > room || cards.length === 0) {
      cards.push([]);
      room = ON_ONE_CARD;
    }
    cards.at(-1)?.push(change);
    room -= size;
  }
  return cards.slice(0, MOST_CARDS);
}
