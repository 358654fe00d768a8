import { isJson } from './messages.ts';
import type { Json } from './world.ts';

/** `view.state.values`: every input stands in it, empty ones with null, in the shape its element type has. */
export function stateValues(blocks: readonly unknown[], filled: Record<string, Record<string, unknown>>): Record<string, Json> {
  const inputs = inputsOf(blocks).map(({ blockId, actionId, element }) => {
    const given = filled[blockId]?.[actionId];
    return [blockId, { [actionId]: given === undefined ? untouched(element) : filledIn(element, given) }] as const;
  });
  return Object.fromEntries(inputs);
}

/** The inputs that Slack's own form would not let through empty. */
export function missingInputs(blocks: readonly unknown[], values: Record<string, Json>): Record<string, string> {
  const empty = inputsOf(blocks).filter(({ blockId, actionId, optional }) => !optional && isEmpty(values[blockId]?.[actionId]));
  return Object.fromEntries(empty.map(({ blockId }) => [blockId, 'Please complete this required field.']));
}

/** What a click sends for one element; `value` picks the option of a menu. */
export function actionOf(block: Json, element: Json, value: string | undefined, at: string): Json {
  const { type, action_id, text, style } = element;
  const base = { type, action_id, block_id: block['block_id'], action_ts: at };
  if (type === 'button') return { ...base, text, ...(element['value'] === undefined ? {} : { value: element['value'] }), ...(style ? { style } : {}) };
  const chosen = optionOf(element, value);
  if (type === 'checkboxes' || String(type).startsWith('multi_')) return { ...base, selected_options: chosen ? [chosen] : [] };
  return { ...base, ...(chosen ? { selected_option: chosen } : { value: value ?? null }) };
}

function inputsOf(blocks: readonly unknown[]): { blockId: string; actionId: string; element: Json; optional: boolean }[] {
  return blocks.filter(isJson).flatMap((block) => {
    const element = block['element'];
    if (block['type'] !== 'input' || !isJson(element)) return [];
    return [{ blockId: String(block['block_id']), actionId: String(element['action_id']), element, optional: block['optional'] === true }];
  });
}

function untouched(element: Json): Json {
  const type = String(element['type']);
  if (type === 'checkboxes' || type === 'multi_static_select') return { type, selected_options: element['initial_options'] ?? [] };
  if (type === 'static_select' || type === 'radio_buttons') return { type, selected_option: element['initial_option'] ?? null };
  if (type === 'users_select') return { type, selected_user: element['initial_user'] ?? null };
  if (type === 'channels_select' || type === 'conversations_select') return { type, [`selected_${type.split('s_')[0]}`]: null };
  return { type, value: element['initial_value'] ?? null };
}

/** Takes a whole state value, or just the text or the option's value, which is easier to write in a scenario. */
function filledIn(element: Json, given: unknown): Json {
  if (isJson(given)) return { type: element['type'], ...given };
  const option = typeof given === 'string' ? optionOf(element, given) : null;
  if (option) return { type: element['type'], ...(element['type'] === 'checkboxes' ? { selected_options: [option] } : { selected_option: option }) };
  return { type: element['type'], value: given === '' ? null : given };
}

function optionOf(element: Json, value: string | undefined): Json | null {
  const options = Array.isArray(element['options']) ? element['options'].filter(isJson) : [];
  return options.find((o) => o['value'] === value) ?? null;
}

function isEmpty(state: unknown): boolean {
  if (!isJson(state)) return true;
  const { type: _, ...rest } = state;
  return Object.values(rest).every((v) => v === null || v === '' || (Array.isArray(v) && v.length === 0));
}
