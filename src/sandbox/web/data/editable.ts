import type { Snapshot } from '../../control-types.ts';

/** A message's text as its author typed it: names in place of ids, and no escapes. */
export function editable(text: string, { users, channels, groups = [] }: Pick<Snapshot, 'users' | 'channels' | 'groups'>): string {
  return text
    .replace(/<@([A-Z0-9]+)(?:\|[^>]*)?>/g, (whole, id) => named('@', users.find((u) => u.id === id)?.name, whole))
    .replace(/<#([A-Z0-9]+)(?:\|[^>]*)?>/g, (whole, id) => named('#', channels.find((c) => c.id === id)?.name, whole))
    .replace(/<!subteam\^([A-Z0-9]+)(?:\|[^>]*)?>/g, (whole, id) => named('@', groups.find((g) => g.id === id)?.handle, whole))
    .replaceAll('&lt;', '<')
    .replaceAll('&gt;', '>')
    .replaceAll('&amp;', '&');
}

function named(mark: string, name: string | undefined, otherwise: string): string {
  return name === undefined ? otherwise : `${mark}${name}`;
}
