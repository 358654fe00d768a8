import { plain } from '../../policy/outside-text.ts';
import type { Block } from '../../services/slack.ts';

/**
 * The small language all our messages are built from. Text goes through `plain` here and nowhere else, so no view can forget it: in rich text nothing is
 * parsed, so a mention, a link or a format exists only where a view asked for one.
 */
const MOST = 14_000;

export type Bit = { type: string; [key: string]: unknown };
export type Para = { type: string; elements: unknown[]; [key: string]: unknown };

export function t(text: string): Bit {
  // No message holds more, and making a megabyte of a traceback safe to show takes seconds.
  return { type: 'text', text: plain(text.length > MOST ? `${text.slice(0, MOST)}… (${text.length - MOST} more characters)` : text) };
}

export function bold(text: string): Bit {
  return { ...t(text), style: { bold: true } };
}

export function italic(text: string): Bit {
  return { ...t(text), style: { italic: true } };
}

export function mono(text: string): Bit {
  return { ...t(text), style: { code: true } };
}

/** Mentions a person, which notifies them when the message is new. */
export function user(id: string): Bit {
  return /^[UWB][A-Z0-9]+$/.test(id) ? { type: 'user', user_id: id } : t(id);
}

export function group(id: string): Bit {
  return /^S[A-Z0-9]+$/.test(id) ? { type: 'usergroup', usergroup_id: id } : t(id);
}

export function channel(id: string): Bit {
  return /^[CGD][A-Z0-9]+$/.test(id) ? { type: 'channel', channel_id: id } : t(id);
}

/** A link of ours; anything but http(s) stays text. */
export function link(url: string, text: string): Bit {
  if (!URL.canParse(url) || !/^https?:$/.test(new URL(url).protocol)) return t(text);
  return { type: 'link', url, text: plain(text) };
}

export function para(...bits: Bit[]): Para {
  return { type: 'rich_text_section', elements: bits.filter((b) => b['text'] !== '') };
}

/** Words that are not ours. */
export function quote(text: string): Para {
  return { type: 'rich_text_quote', elements: [t(text || ' ')] };
}

export function code(text: string): Para {
  return { type: 'rich_text_preformatted', elements: [t(text || ' ')] };
}

export function bullets(items: Bit[][]): Para {
  return { type: 'rich_text_list', style: 'bullet', elements: items.map((bits) => para(...bits)) };
}

export function numbered(items: Bit[][]): Para {
  return { ...bullets(items), style: 'ordered' };
}

/** One block of paragraphs; a paragraph ends its own line. */
export function rich(...paras: Para[]): Block {
  return { type: 'rich_text', elements: paras.filter((p) => p.elements.length > 0) };
}

export function context(...texts: string[]): Block {
  return { type: 'context', elements: texts.map((text) => ({ type: 'plain_text', text: plain(text), emoji: false })) };
}

/** A button of ours. `value` is an id and nothing else. */
export function button(action: string, text: string, value: string, style?: 'primary' | 'danger'): Bit {
  return { type: 'button', action_id: action, text: { type: 'plain_text', text: plain(text), emoji: false }, value, ...(style ? { style } : {}) };
}

/** `id` makes the block's own, so that an edited message never answers for its earlier self. */
export function actions(id: string, ...buttons: Bit[]): Block {
  return { type: 'actions', block_id: id.slice(-255), elements: buttons };
}

/** "14:05 UTC", or with the date where it is another day than `near`. */
export function clock(iso: string, near?: string): string {
  const time = iso.slice(11, 16);
  return near !== undefined && near.slice(0, 10) === iso.slice(0, 10) ? `${time} UTC` : `${iso.slice(0, 10)} ${time} UTC`;
}
