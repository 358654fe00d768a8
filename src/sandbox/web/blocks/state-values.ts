import { type Json, list, record, string } from './json.ts';
import type { StateValue } from './surface.ts';

/** Which key of `view.state.values` an element's answer stands under. Elements not named here (buttons) have no answer. */
const ANSWER_KEY: Record<string, string> = {
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

export function answerKey(element: unknown): string | null {
  return ANSWER_KEY[string(record(element).type)] ?? null;
}

export function stateValue(element: unknown, answer: unknown): StateValue {
  return { type: string(record(element).type), [answerKey(element) ?? 'value']: answer };
}

/** What an element answers before anybody touches it: its initial value, else null or an empty list. */
export function initialValue(element: unknown): StateValue {
  const key = answerKey(element) ?? 'value';
  const initial = record(element)[key === 'value' ? 'initial_value' : key.replace('selected_', 'initial_')];
  return stateValue(element, initial ?? (key.endsWith('s') ? [] : null));
}

/** The id a block has in the view; Slack gives one to blocks that came without. */
export function blockIdOf(block: Json, place: number): string {
  return string(block.block_id) || `block-${place}`;
}

type Field = { blockId: string; actionId: string; element: Json; label: string; required: boolean };

/** Every element of a view that has an answer, in order. */
export function fieldsOf(view: unknown): Field[] {
  return list(record(view).blocks)
    .map(record)
    .flatMap((block, place) => {
      const elements = block.type === 'input' ? [block.element] : block.type === 'section' ? [block.accessory] : list(block.elements);
      const required = block.type === 'input' && block.optional !== true;
      return elements
        .filter((element) => answerKey(element) !== null)
        .map((element) => ({
          blockId: blockIdOf(block, place),
          actionId: string(record(element).action_id),
          element: record(element),
          label: string(record(block.label).text),
          required,
        }));
    });
}

export type Edits = Record<string, Record<string, StateValue>>;

/** What Slack kept of an earlier submit of the view: it is on screen again when the one over it was closed. */
export function keptValues(view: unknown): Edits {
  return record(record(record(view).state).values) as Edits;
}

/** `view.state.values` as Slack sends it: every field is in it, null where it is empty. */
export function viewValues(view: unknown, edits: Edits): Edits {
  const values: Edits = {};
  for (const field of fieldsOf(view)) {
    const value = edits[field.blockId]?.[field.actionId] ?? initialValue(field.element);
    values[field.blockId] = { ...values[field.blockId], [field.actionId]: value };
  }
  return values;
}

/** What Slack itself refuses before an app hears of a submit: block id -> sentence. */
export function clientErrors(view: unknown, edits: Edits): Record<string, string> {
  const values = viewValues(view, edits);
  const errors: Record<string, string> = {};
  for (const { blockId, actionId, element, required } of fieldsOf(view)) {
    const answer = values[blockId]?.[actionId]?.[answerKey(element) ?? 'value'];
    const empty = answer === null || answer === undefined || answer === '' || (Array.isArray(answer) && answer.length === 0);
    if (empty && required) errors[blockId] = 'Please fill in this field; it is required.';
    const [least, most] = [Number(element.min_length ?? 0), Number(element.max_length ?? 3000)];
    if (typeof answer === 'string' && !empty && element.type === 'plain_text_input') {
      if (answer.length < least) errors[blockId] = `Please use at least ${least} characters.`;
      if (answer.length > most) errors[blockId] = `Please use at most ${most} characters; these are ${answer.length}.`;
    }
  }
  return errors;
}
