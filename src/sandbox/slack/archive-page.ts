import { printThread } from '../print-thread.ts';
import { escapeHtml } from '../stand-in.ts';
import { threadOf } from './messages.ts';
import type { World } from './world.ts';

/** What a permalink opens: the thread as plain text. `p1700000000000001` is the message's ts without its dot. */
export function archivePage(world: World, channel: string, message: string): string {
  const digits = message.replace(/^p/, '');
  const ts = `${digits.slice(0, -6)}.${digits.slice(-6)}`;
  const found = world.data.messages.find((m) => m.channel === channel && m.ts === ts && m.onlyFor === null);
  const thread = found ? threadOf(world, channel, found.threadTs ?? found.ts) : [];
  const words = found ? printThread(thread, world.data.users, world.data.channels) : 'There is no such message in this workspace.';
  return `<!doctype html><meta charset="utf-8"><title>#${escapeHtml(channel)}</title><pre style="white-space:pre-wrap">${escapeHtml(words)}</pre>`;
}
