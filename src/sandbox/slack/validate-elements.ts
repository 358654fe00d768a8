import { isJson } from './messages.ts';
import type { Json } from './world.ts';

const longest: Record<string, number> = { action_id: 255, value: 2000, url: 3000 };
const withOptions = new Set(['static_select', 'multi_static_select', 'radio_buttons', 'checkboxes', 'overflow']);

/** What Slack would say against one interactive element. */
export function checkElement(element: unknown): string[] {
  if (!isJson(element)) return ['an element must be an object'];
  const type = String(element['type']);
  const tooLong = Object.entries(longest).flatMap(([name, most]) => {
    const value = element[name];
    return typeof value === 'string' && value.length > most ? [`${name} must be at most ${most} characters`] : [];
  });
  return [
    ...tooLong,
    ...(type === 'button' ? button(element) : []),
    ...(type === 'image' ? textual(element['alt_text'], 'alt_text', 2000) : []),
    ...(withOptions.has(type) ? options(element, type) : []),
    ...(element['placeholder'] === undefined ? [] : textOf(element['placeholder'], 'placeholder', 150, 'plain_text')),
    ...(element['confirm'] === undefined ? [] : confirm(element['confirm'])),
    ...(/^(button|image|icon_button|feedback_buttons|overflow|checkboxes|radio_buttons|.*(select|picker|input))$/.test(type)
      ? []
      : [`unsupported element type: ${type}`]),
  ];
}

/** A text object, not empty and not longer than `most`. */
export function textOf(text: unknown, name: string, most: number, only?: 'plain_text'): string[] {
  if (!isJson(text)) return [`${name} is missing`];
  if (text['type'] !== 'plain_text' && (only || text['type'] !== 'mrkdwn')) return [`${name} must be ${only ?? 'plain_text or mrkdwn'}`];
  return textual(text['text'], name, most);
}

function textual(text: unknown, name: string, most: number): string[] {
  if (typeof text !== 'string' || text === '') return [`${name} must not be empty`];
  return text.length > most ? [`${name} must be at most ${most} characters`] : [];
}

function button(element: Json): string[] {
  const style = element['style'];
  return [
    ...textOf(element['text'], 'button text', 75, 'plain_text'),
    ...(style === undefined || style === 'primary' || style === 'danger' ? [] : ['invalid style']),
  ];
}

function options(element: Json, type: string): string[] {
  if (element['option_groups'] !== undefined) return [];
  const given = element['options'];
  const most = type === 'overflow' ? 5 : type === 'radio_buttons' || type === 'checkboxes' ? 10 : 100;
  if (!Array.isArray(given) || given.length === 0 || given.length > most) return [`options must hold 1 to ${most} items`];
  const values = given.map((o) => (isJson(o) ? o['value'] : undefined));
  return [
    ...given.flatMap((o) =>
      isJson(o) ? [...textOf(o['text'], 'option text', 75), ...textual(o['value'], 'option value', 150)] : ['an option must be an object'],
    ),
    ...(new Set(values).size < values.length ? ['option values must differ'] : []),
  ];
}

function confirm(dialog: unknown): string[] {
  if (!isJson(dialog)) return ['confirm must be an object'];
  return [
    ...textOf(dialog['title'], 'confirm title', 100, 'plain_text'),
    ...textOf(dialog['text'], 'confirm text', 300),
    ...textOf(dialog['confirm'], 'confirm button', 30, 'plain_text'),
    ...textOf(dialog['deny'], 'deny button', 30, 'plain_text'),
  ];
}
