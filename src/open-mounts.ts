import { type Mounts, openMounts } from './agent/mounts.ts';
import type { PinStore } from './agent/pins.ts';
import type { CoreConfig } from './config.ts';
import type { Log } from './log.ts';
import type { Core } from './open-core.ts';
import { matches } from './policy/environments.ts';
import { isDenied } from './policy/judge.ts';
import { couldMatch, mountedName, mountedPrefix } from './policy/mounted-names.ts';
import { review } from './review-mounts.ts';
import { openPins } from './runtime/pin-store.ts';
import { acceptMcpTools } from './tools/accept-mcp-tools.ts';
import { catalog } from './tools/catalog.ts';
import type { WriteTool } from './tools/define-tool.ts';
import { holdsSecret } from './tools/foreign-definition.ts';

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
    drifted: (server, all, offer) => review(server, all, offer, config, core),
    secret: (definition) => holdsSecret(definition, core.clean),
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
