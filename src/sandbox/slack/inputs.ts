import { isJson } from './messages.ts';
import type { Json } from './world.ts';

/** Under which key of `view.state.values` the answer of an element stands; what is not named has none. */
const answerKeys: Record<string, string> = {
  plain_text_input: 'value',
  email_text_input: 'value',
  url_text_input: 'value',
  number_input: 'value',
  static_select: 'selected_option',
  external_select: 'selected_option',
  radio_buttons: 'selected_option',
  multi_static_select: 'selected_options',
  multi_external_select: 'selected_options',
  checkboxes: 'selected_options',
  users_select: 'selected_user',
  multi_users_select: 'selected_users',
  channels_select: 'selected_channel',
  multi_channels_select: 'selected_channels',
  conversations_select: 'selected_conversation',
  multi_conversations_select: 'selected_conversations',
  datepicker: 'selected_date',
  timepicker: 'selected_time',
  datetimepicker: 'selected_date_time',
};

/** `view.state.values`: every element that can be answered stands in it, an empty one with null, in the shape its type has. */
export function stateValues(blocks: readonly unknown[], filled: Record<string, Record<string, unknown>>): Record<string, Record<string, Json>> {
  const values: Record<string, Record<string, Json>> = {};
  for (const { blockId, actionId, element } of answerable(blocks)) {
    const given = filled[blockId]?.[actionId];
    values[blockId] = { ...values[blockId], [actionId]: given === undefined ? untouched(element) : filledIn(element, given) };
  }
  return values;
}

/** What Slack's own form would not let through: required inputs that are empty, and texts of the wrong length. */
export function formErrors(blocks: readonly unknown[], values: Record<string, Record<string, Json>>): Record<string, string> {
  const errors: Record<string, string> = {};
  for (const { blockId, actionId, element, required } of answerable(blocks)) {
    const state = values[blockId]?.[actionId];
    const text = typeof state?.['value'] === 'string' ? state['value'] : '';
    const most = Number(element['max_length'] ?? 3000);
    const least = Number(element['min_length'] ?? 0);
    if (required && isEmpty(state)) errors[blockId] = 'Please complete this required field.';
    else if (text.length > most) errors[blockId] = `Must be at most ${most} characters.`;
    else if (text !== '' && text.length < least) errors[blockId] = `Must be at least ${least} characters.`;
  }
  return errors;
}

/** What a click sends for one element; `value` picks the option of a menu. */
export function actionOf(block: Json, element: Json, value: string | undefined, at: string): Json {
  const { type, action_id, text, style } = element;
  const base = { type, action_id, block_id: block['block_id'], action_ts: at };
  if (type === 'button') return { ...base, text, ...(element['value'] === undefined ? {} : { value: element['value'] }), ...(style ? { style } : {}) };
  const key = answerKeys[String(type)] ?? 'selected_option';
  return { ...base, [key]: answered(element, key, value) };
}

function answerable(blocks: readonly unknown[]): { blockId: string; actionId: string; element: Json; required: boolean }[] {
  return blocks.filter(isJson).flatMap((block) => {
    const elements = [block['element'], block['accessory'], block['type'] === 'actions' ? block['elements'] : []].flat().filter(isJson);
    const required = block['type'] === 'input' && block['optional'] !== true;
    return elements
      .filter((element) => answerKeys[String(element['type'])])
      .map((element) => ({ blockId: String(block['block_id']), actionId: String(element['action_id']), element, required }));
  });
}

function untouched(element: Json): Json {
  const type = String(element['type']);
  const key = answerKeys[type] ?? 'value';
  const initial = element[key === 'value' ? 'initial_value' : key.replace('selected_', 'initial_')];
  return { type, [key]: initial ?? (key.endsWith('s') ? [] : null) };
}

/** Takes a whole state value, or just the text or the option's value, which is easier to write. */
function filledIn(element: Json, given: unknown): Json {
  const type = String(element['type']);
  if (isJson(given)) return { type, ...given, ...(given['value'] === '' ? { value: null } : {}) };
  const key = answerKeys[type] ?? 'value';
  return { type, [key]: answered(element, key, given) };
}

function answered(element: Json, key: string, given: unknown): unknown {
  if (key === 'selected_option') return optionOf(element, given);
  if (key === 'selected_options')
    return [given]
      .flat()
      .map((value) => optionOf(element, value))
      .filter((option) => option !== null);
  if (key.endsWith('s')) return [given].flat();
  return given === '' || given === undefined ? null : given;
}

function optionOf(element: Json, value: unknown): Json | null {
  const groups = Array.isArray(element['option_groups']) ? element['option_groups'].filter(isJson).flatMap((group) => group['options']) : [];
  const options = [element['options'], ...groups].flat().filter(isJson);
  return options.find((option) => option['value'] === value) ?? null;
}

function isEmpty(state: Json | undefined): boolean {
  if (!state) return true;
  const { type: _, ...rest } = state;
  return Object.values(rest).every((value) => value === null || value === '' || (Array.isArray(value) && value.length === 0));
}
