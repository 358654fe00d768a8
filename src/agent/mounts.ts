import { isMounted, mountedName, partsOf } from '../policy/mounted-names.ts';
import type { WriteTool } from '../tools/define-tool.ts';
import { type Definition, definitionHash, fitted, HOLDS_SECRET } from '../tools/foreign-definition.ts';
import { MountFailure, mountedTool, type Remote, upstreamOf } from '../tools/mounted-tool.ts';
import { within } from '../within.ts';
import type { ToolSpec } from './model.ts';
import { type Mount, type MountedServer, makeMount, type Offer } from './mount.ts';
import { type Difference, differenceId, differences, type PinStore, type Pins } from './pins.ts';

/** Every mounted server of this process: what models are shown of them, and the way to call it. */
export type Mounts = {
  /** In the order of labmate.json; the same array as long as nothing has changed. A server never seen before is looked at first, for a moment. */
  specs(): Promise<readonly ToolSpec[]>;
  /** The tool of this name, as it is pinned; null where none is. */
  find(name: string): Promise<WriteTool | null>;
  /** The backend of a tool, as breakers know it. */
  upstreams(name: string): readonly string[];
  /** Whether the words of every server are believed: else whoever reads their descriptions has read text from outside. */
  trusted: boolean;
  /** Looks at one server now, whatever is known of it. Throws MountFailure. */
  look(server: MountedServer): Promise<Offer>;
  close(): Promise<void>;
};

export type MountsDeps = {
  servers: readonly MountedServer[];
  pins: PinStore;
  /** Whether a rule denies this tool whatever is known of the call: then no model is shown it. */
  denied: (tool: string) => boolean;
  /** A process that only looks at what is pinned connects to nothing. */
  connects: boolean;
  now: () => number;
  warn: (facts: Record<string, unknown>, message: string) => void;
  said: (server: string, line: string) => void;
  /** A server offers something else than was pinned. Told once for each set of differences. */
  drifted: (server: MountedServer, all: readonly Difference[], offer: Offer) => Promise<void>;
  /** Whether a definition holds what looks like a credential: no record may keep it, so nobody can be asked about it. */
  secret: (definition: Definition) => boolean;
};

/** How long a session waits for servers that nobody has looked at yet; those that take longer are there at its next turn. */
const FIRST_LOOK_MS = 4_000;
/** A server that says all the time that its list has changed is not listened to all the time. */
const CHANGED_AGAIN_MS = 30_000;
/** A question that ran out is asked again some time. */
const TOLD_AGAIN_MS = 3_600_000;
/** Every turn of every session pays for what models are shown of all of them. */
const MOST_SHOWN = 256;
const MOST_CHARACTERS = 400_000;

type Shown = { of: ReadonlyMap<string, Pins>; specs: readonly ToolSpec[]; tools: ReadonlyMap<string, WriteTool> };

export function openMounts(deps: MountsDeps): Mounts {
  const { servers, pins, now, warn } = deps;
  const told = new Map<string, { id: string; at: number }>();
  const complaints = new Map<string, string>();
  const looks = new Map<string, Promise<void>>();
  const listened = new Map<string, number>();
  const crowds = new Set<string>();
  const mounts = new Map<string, Mount>(
    servers.map((server) => [
      server.key,
      makeMount(server, { now, said: (line) => deps.said(server.name, line), changed: () => changedAgain(server), crowded: () => crowded(server) }),
    ]),
  );
  let shown: Shown | null = null;

  async function look(server: MountedServer): Promise<Offer> {
    const mount = mounts.get(server.key);
    if (!mount) throw new MountFailure(`${server.name} is not mounted.`, { is: 'refused' });
    const offer = await mount.offer();
    await compare(server, offer);
    return offer;
  }

  /** The first look pins what is there; every later one is held against that. */
  async function compare(server: MountedServer, offer: Offer): Promise<void> {
    let pinned = (await pins.read()).get(server.key);
    if (!pinned && offer.tools.length > 0) {
      if (offer.unread.length > 0) warn({ server: server.name, left: offer.unread }, 'some of what the MCP server offers is not taken');
      await pins.first(server.key, { at: new Date(now()).toISOString(), tools: offer.tools });
      pinned = (await pins.read()).get(server.key);
    }
    const all = pinned ? differences(pinned.tools, offer.tools) : [];
    // A difference that was accepted, and comes back after another one, is a new one.
    if (all.length === 0) return void told.delete(server.key);
    const id = differenceId(server.key, all);
    const before = told.get(server.key);
    if (before?.id === id && now() - before.at < TOLD_AGAIN_MS) return;
    told.set(server.key, { id, at: now() });
    const withheld = all.flatMap(({ tool, offered }) => (offered && deps.secret(offered) ? [tool] : []));
    const tools = all.map((d) => d.tool);
    warn({ server: server.name, tools }, 'the MCP server offers something else than was pinned; these tools are refused until it is agreed to');
    if (withheld.length > 0) warn({ server: server.name, tools: withheld }, `of these ${HOLDS_SECRET}`);
    // What could not be asked now is asked at the next look.
    await deps.drifted(server, all, offer).catch((error: unknown) => {
      told.delete(server.key);
      warn({ server: server.name, err: error }, 'approvers could not be asked about it');
    });
  }

  function crowded(server: MountedServer): void {
    if (crowds.has(server.key)) return;
    crowds.add(server.key);
    warn({ server: server.name }, 'the MCP server writes more than a thousand lines a second; no more of them are read, and its calls may be slow');
  }

  function changedAgain(server: MountedServer): void {
    if (now() - (listened.get(server.key) ?? 0) < CHANGED_AGAIN_MS) return;
    listened.set(server.key, now());
    setTimeout(() => quietly(server), 1_000).unref();
  }

  function quietly(server: MountedServer): Promise<void> {
    const running = looks.get(server.key);
    if (running !== undefined) return running;
    const started = look(server)
      .then(() => void complaints.delete(server.key))
      .catch((error: unknown) => {
        const why = error instanceof Error ? error.message : String(error);
        // Once for each reason: a dead server is asked at every turn.
        if (complaints.get(server.key) !== why) warn({ server: server.name, why }, 'an MCP server can’t be looked at');
        complaints.set(server.key, why);
      })
      .finally(() => looks.delete(server.key));
    looks.set(server.key, started);
    return started;
  }

  async function current(): Promise<Shown> {
    const of = await pins.read();
    if (shown?.of === of) return shown;
    const specs: ToolSpec[] = [];
    const tools = new Map<string, WriteTool>();
    let room = MOST_CHARACTERS;
    for (const server of servers)
      for (const definition of of.get(server.key)?.tools ?? []) {
        const fit = fitted(definition);
        const name = mountedName(server.key, definition.name);
        if (!fit.fit || tools.has(name) || tools.size >= MOST_SHOWN) continue;
        const where = whereIs(server);
        const mounted = { name, server: server.name, where, trusted: server.trusted, timeoutMs: server.timeoutMs, definition, fitted: fit };
        const tool = mountedTool(mounted, deps.connects ? remoteOf(server, definition) : null);
        const spec = { name, description: tool.description, input_schema: fit.schema };
        const size = JSON.stringify(spec).length;
        if (!deps.denied(name) && size > room) {
          if (room > 0)
            warn({ server: server.name, tool: name }, 'mounted servers offer more than a model can be shown; this tool and those after it are left out');
          room = 0;
          continue;
        }
        tools.set(name, tool);
        if (deps.denied(name)) continue;
        specs.push(spec);
        room -= size;
      }
    shown = { of, specs, tools };
    return shown;
  }

  function remoteOf(server: MountedServer, definition: Definition): Remote {
    const hash = definitionHash(definition);
    const differs = async () => {
      const offered = (await look(server)).tools.find((d) => d.name === definition.name);
      if (!offered) return `The MCP server ${server.name} does not offer this tool any more, so nothing was sent.`;
      if (definitionHash(offered) === hash) return null;
      const refused = `What the MCP server ${server.name} says of this tool is not what was agreed to, so nothing was sent.`;
      return `${refused} ${deps.secret(offered) ? NO_ONE_CAN : 'Approvers are asked about the difference.'}`;
    };
    return {
      differs,
      async call(args, signal) {
        const why = await differs();
        if (why !== null) throw new MountFailure(why, { is: 'refused' });
        const mount = mounts.get(server.key);
        if (!mount) throw new MountFailure(`${server.name} is not mounted.`, { is: 'refused' });
        return mount.call(definition.name, args, signal);
      },
    };
  }

  return {
    trusted: servers.every((server) => server.trusted),
    look,
    async specs() {
      if (servers.length === 0) return NONE;
      if (deps.connects) {
        const known = await pins.read();
        const unseen = servers.filter((server) => !known.has(server.key));
        const first = unseen.filter((server) => !listened.has(server.key));
        for (const server of first) listened.set(server.key, 0);
        const started = unseen.map(quietly);
        if (first.length > 0) await within(FIRST_LOOK_MS, Promise.all(started), () => {});
      }
      return (await current()).specs;
    },
    find: async (name) => (isMounted(name) ? ((await current()).tools.get(name) ?? null) : null),
    upstreams(name) {
      const server = servers.find((s) => s.key === partsOf(name)?.key);
      return server ? [upstreamOf(server.name).toLowerCase()] : [];
    },
    async close() {
      await Promise.all([...mounts.values()].map((mount) => mount.close()));
    },
  };
}

const NONE: readonly ToolSpec[] = [];
const NO_ONE_CAN = `${HOLDS_SECRET[0]?.toUpperCase()}${HOLDS_SECRET.slice(1)}.`;

/** For people: the command, or the address without what may be secret in it. */
export function whereIs({ address }: MountedServer): string {
  if (address.is !== 'stdio') return new URL(address.url).origin;
  return address.command.split(/[/\\]/).at(-1) ?? address.command;
}
