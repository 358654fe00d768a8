import { plain, unescaped } from '../policy/outside-text.ts';
import { nameOf } from './decide.ts';
import type { Desk } from './desk.ts';

const MENTION = /<@([UW][A-Z0-9]+)>/g;

/** A sentence as a dialog can show it: its plain text renders no mention, so people are named; who may decide stands on the card. */
export async function inDialog(desk: Desk, text: string): Promise<string> {
  const words = text.replace(/ ?May decide: .*$/, ' The card says who may decide.');
  const ids = [...new Set([...words.matchAll(MENTION)].map(([, id = '']) => id))];
  const names = new Map(await Promise.all(ids.map(async (id) => [id, unescaped(plain((await nameOf(desk, id)) ?? ''))] as const)));
  return words.replace(MENTION, (_, id: string) => names.get(id) || 'somebody');
}
