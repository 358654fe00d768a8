import { mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { SandboxChannel, SandboxMessage, SandboxUser } from '../control-types.ts';
import * as seed from './seed.ts';

export type Json = Record<string, unknown>;

export type Message = SandboxMessage & { subtype: string | null; reactions: { name: string; users: string[] }[]; streaming: boolean };
export type StoredFile = { id: string; name: string; title: string; alt: string; mimetype: string; size: number; base64: string; shared: boolean };
/** One view of a person's stack of modals; the last one of a person is the one on screen. */
export type OpenModal = { id: string; user: string; view: Json; errors: Record<string, string> };
export type AgentStatus = { channel: string; threadTs: string | null; status: string; title: string | null };
/** What the app offers to say in a conversation with it. */
export type SuggestedPrompts = { channel: string; threadTs: string | null; title: string | null; prompts: { title: string; message: string }[] };

/** Everything a workspace remembers. Plain data, so that it can be saved and shown as it is. */
export type WorldData = {
  version: number;
  lastId: number;
  lastTs: number;
  users: SandboxUser[];
  channels: SandboxChannel[];
  groups: seed.Group[];
  messages: Message[];
  files: StoredFile[];
  modals: OpenModal[];
  homes: Record<string, Json>;
  statuses: AgentStatus[];
  prompts: SuggestedPrompts[];
};

export type World = {
  data: WorldData;
  /** Call after every change: counts the version up, tells the listeners, saves. */
  changed(): void;
  onChange(listener: (version: number) => void): () => void;
  /** A new ts, later than every earlier one: Slack's id of a message within its channel. */
  nextTs(): string;
  nextId(prefix: string): string;
  reset(): void;
  close(): void;
};

/** Opens the workspace: from the data folder where there is one with content, else from the seed. */
export function openWorld(options: { dataDir?: string | undefined; now?: (() => number) | undefined } = {}): World {
  const now = options.now ?? Date.now;
  const path = options.dataDir ? join(options.dataDir, 'slack.json') : null;
  const listeners = new Set<(version: number) => void>();
  let saving: NodeJS.Timeout | null = null;

  const world: World = {
    data: (path && load(path)) || fresh(),
    changed() {
      world.data.version += 1;
      for (const listener of listeners) listener(world.data.version);
      if (path && !saving) saving = setTimeout(save, 200).unref();
    },
    onChange(listener) {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    nextTs() {
      world.data.lastTs = Math.max(world.data.lastTs + 1, now() * 1000);
      return `${Math.floor(world.data.lastTs / 1e6)}.${String(world.data.lastTs % 1e6).padStart(6, '0')}`;
    },
    nextId(prefix) {
      world.data.lastId += 1;
      return `${prefix}${world.data.lastId.toString(36).toUpperCase().padStart(6, '0')}`;
    },
    reset() {
      // Versions, ids and timestamps go on: a page or a client that still holds an old one must not meet it again as something else.
      const { version, lastId, lastTs } = world.data;
      world.data = { ...fresh(), version, lastId, lastTs };
      world.changed();
    },
    close() {
      listeners.clear();
      if (saving) save();
    },
  };

  function save() {
    if (saving) clearTimeout(saving);
    saving = null;
    if (!path || !options.dataDir) return;
    mkdirSync(options.dataDir, { recursive: true });
    writeFileSync(`${path}.new`, JSON.stringify(world.data));
    renameSync(`${path}.new`, path);
  }
  return world;
}

function fresh(): WorldData {
  const { users, channels, groups } = structuredClone({ users: seed.users, channels: seed.channels, groups: seed.groups });
  return { version: 1, lastId: 0, lastTs: 0, users, channels, groups, messages: [], files: [], modals: [], homes: {}, statuses: [], prompts: [] };
}

function load(path: string): WorldData | null {
  try {
    const kept = JSON.parse(readFileSync(path, 'utf8')) as Partial<WorldData>;
    return { ...fresh(), ...kept, modals: [] };
  } catch {
    return null;
  }
}
