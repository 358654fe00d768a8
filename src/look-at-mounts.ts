import type { MountedServer } from './agent/mount.ts';
import { type Mounts, openMounts } from './agent/mounts.ts';
import type { Pins } from './agent/pins.ts';

/** The mounted servers for whoever only wants to see what they offer: nothing is pinned, and nobody is asked. */
export function lookAtMounts(servers: readonly MountedServer[], pinned: ReadonlyMap<string, Pins> = new Map()): Mounts {
  return openMounts({
    servers,
    pins: { read: async () => pinned, first: async () => {}, replace: async () => {} },
    denied: () => false,
    connects: true,
    now: Date.now,
    warn: () => {},
    said: () => {},
    drifted: async () => {},
    secret: () => false,
  });
}
