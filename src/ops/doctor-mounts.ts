import type { MountedServer } from '../agent/mount.ts';
import type { AnyConfig } from '../config.ts';
import { lookAtMounts } from '../look-at-mounts.ts';
import { type Finding, look, ok, warning } from './findings.ts';

/** Connects to every mounted server, as a session would, and says what it offers. */
export async function mountFindings({ mounted }: AnyConfig): Promise<Finding[]> {
  if (mounted.length === 0) return [];
  const mounts = lookAtMounts(mounted);
  try {
    const looked = mounted.map((server) =>
      look(
        `MCP server ${server.name}`,
        async () => {
          const { tools, unread } = await mounts.look(server);
          const about = `MCP server ${server.name}`;
          const left = unread.length > 0 ? [warning(about, `some of what it offers is not taken: ${unread.join('; ')}`)] : [];
          return [ok(about, `offers ${tools.length} tools${server.trusted ? ', and what it says of them is believed' : ''}; see labmate mcp ls`), ...left];
        },
        () => fixOf(server),
      ),
    );
    return (await Promise.all(looked)).flat();
  } finally {
    await mounts.close();
  }
}

function fixOf({ name, address }: MountedServer): string {
  const at = `mcpServers.${name}`;
  if (address.is === 'stdio') return `See ${at}.command, args and env in labmate.json.`;
  return `See whether it runs, and ${at}.url in labmate.json; where it asks who we are, ${at}.headers or mounts.${name}.oauth.`;
}
