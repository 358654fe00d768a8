import { createHash } from 'node:crypto';
import { type Definition, definitionHash } from '../tools/foreign-definition.ts';

/** What a server offered when it was first listed, or what approvers have agreed to since: only that is called. */
export type Pins = { at: string; tools: readonly Definition[] };

/** One tool that is not as it was pinned; null where there is none on that side. */
export type Difference = { tool: string; pinned: Definition | null; offered: Definition | null };

/** The pins of every server of one installation, wherever they are kept. */
export type PinStore = {
  /** By a server's key. The same object as before where nothing has changed. */
  read(): Promise<ReadonlyMap<string, Pins>>;
  /** Pins what a server offers, where nothing is pinned of it. Whoever comes first wins. */
  first(key: string, pins: Pins): Promise<void>;
  /** Puts definitions in the place of others; what is not named stays. */
  replace(key: string, changes: readonly Difference[]): Promise<void>;
};

/** What differs. A tool that is not offered any more is no reason to ask anybody: it can't be called, and comes back as it was or is a difference. */
export function differences(pinned: readonly Definition[], offered: readonly Definition[]): Difference[] {
  const before = new Map(pinned.map((d) => [d.name, d]));
  return offered.flatMap((now) => {
    const was = before.get(now.name) ?? null;
    return was && definitionHash(was) === definitionHash(now) ? [] : [{ tool: now.name, pinned: was, offered: now }];
  });
}

/** The pins after these changes, in their order. */
export function changed(pins: readonly Definition[], changes: readonly Difference[]): Definition[] {
  const by = new Map(changes.map((c) => [c.tool, c.offered]));
  const kept = pins.flatMap((d) => {
    const now = by.get(d.name);
    return now === undefined ? [d] : now === null ? [] : [now];
  });
  const added = changes.flatMap((c) => (c.offered && !pins.some((d) => d.name === c.tool) ? [c.offered] : []));
  return [...kept, ...added];
}

/** Tells one set of differences from another. */
export function differenceId(key: string, all: readonly Difference[]): string {
  const hashes = all.map((d) => `${d.tool}:${d.pinned ? definitionHash(d.pinned) : ''}:${d.offered ? definitionHash(d.offered) : ''}`);
  return createHash('sha256')
    .update(JSON.stringify([key, ...hashes.sort()]))
    .digest('hex')
    .slice(0, 24);
}
