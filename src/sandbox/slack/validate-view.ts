import { isJson } from './messages.ts';
import { refuseBlocks } from './validate-blocks.ts';
import { textOf } from './validate-elements.ts';
import type { Json } from './world.ts';

export type ViewRefusal = { error: 'invalid_arguments' | 'view_too_large'; messages: string[] };

/** What Slack would say against a modal or a Home view, or null. */
export function refuseView(view: unknown): ViewRefusal | null {
  if (!isJson(view)) return { error: 'invalid_arguments', messages: ['view must be an object'] };
  if (Buffer.byteLength(JSON.stringify(view)) > 250_000) return { error: 'view_too_large', messages: ['the view is larger than 250 kB'] };
  const messages =
    view['type'] === 'home'
      ? common(view, 'home')
      : view['type'] === 'modal'
        ? [...modal(view), ...common(view, 'modal')]
        : ['view type must be modal or home'];
  return messages.length > 0 ? { error: 'invalid_arguments', messages } : null;
}

function modal(view: Json): string[] {
  const asksForInput = Array.isArray(view['blocks']) && view['blocks'].some((b) => isJson(b) && b['type'] === 'input');
  return [
    ...textOf(view['title'], 'title', 24, 'plain_text'),
    ...['submit', 'close'].flatMap((button) => (view[button] === undefined || view[button] === null ? [] : textOf(view[button], button, 24, 'plain_text'))),
    ...(asksForInput && !view['submit'] ? ['a modal with inputs needs a submit button'] : []),
  ];
}

function common(view: Json, surface: 'modal' | 'home'): string[] {
  const long = (name: string, most: number) =>
    typeof view[name] === 'string' && view[name].length > most ? [`${name} must be at most ${most} characters`] : [];
  return [...long('private_metadata', 3000), ...long('callback_id', 255), ...(refuseBlocks(view['blocks'], surface)?.messages ?? [])];
}
