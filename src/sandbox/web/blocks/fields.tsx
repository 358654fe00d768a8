import { TextLine } from '../text/text.tsx';
import { type Json, list, record, shownText, string } from './json.ts';
import { answerKey, stateValue } from './state-values.ts';
import { type StateValue, useSurface } from './surface.ts';

type Props = {
  element: Json;
  value: StateValue;
  label: string;
  id?: string;
  describedBy?: string | undefined;
  onChange: (value: StateValue) => void;
};

/** The control for one element, holding a value in the shape of `view.state.values`. */
export function FieldElement(props: Props) {
  const { element } = props;
  switch (element.type) {
    case 'checkboxes':
    case 'radio_buttons':
      return <OptionGroup {...props} />;
    case 'plain_text_input':
      return <TextInput {...props} />;
    case 'email_text_input':
      return <TypedInput {...props} type="email" />;
    case 'url_text_input':
      return <TypedInput {...props} type="url" />;
    case 'number_input':
      return <TypedInput {...props} type="number" />;
    case 'datepicker':
      return <TypedInput {...props} type="date" />;
    case 'timepicker':
      return <TypedInput {...props} type="time" />;
    default:
      return <Menu {...props} />;
  }
}

function answerOf({ element, value }: Props): unknown {
  return value[answerKey(element) ?? 'value'];
}

function TextInput(props: Props) {
  const { element, id, describedBy, onChange } = props;
  const shared = {
    id,
    class: 'text-input',
    value: string(answerOf(props)),
    placeholder: shownText(element.placeholder),
    maxLength: typeof element.max_length === 'number' ? element.max_length : 3000,
    'data-action-id': string(element.action_id),
    'aria-label': id ? undefined : props.label,
    'aria-describedby': describedBy,
    'aria-invalid': describedBy !== undefined,
  };
  const changed = (text: string) => onChange(stateValue(element, text === '' ? null : text));
  if (element.multiline === true) return <textarea {...shared} rows={4} onInput={(event) => changed(event.currentTarget.value)} />;
  return <input type="text" {...shared} onInput={(event) => changed(event.currentTarget.value)} />;
}

function TypedInput({ type, ...props }: Props & { type: 'email' | 'url' | 'number' | 'date' | 'time' }) {
  const { element, describedBy, onChange } = props;
  const shared = {
    id: props.id ?? '',
    class: 'text-input',
    value: string(answerOf(props)),
    placeholder: shownText(element.placeholder),
    'data-action-id': string(element.action_id),
    'aria-label': props.label,
    'aria-describedby': describedBy,
    onInput: (event: { currentTarget: HTMLInputElement }) => onChange(stateValue(element, event.currentTarget.value || null)),
  };
  if (type === 'date') return <input type="date" {...shared} />;
  if (type === 'time') return <input type="time" {...shared} />;
  // What Slack refuses is for the app to say, so the browser only helps with its keyboard.
  return <input type="text" inputMode={type === 'number' ? 'decimal' : type} {...shared} />;
}

/** Checkboxes and radio buttons. */
function OptionGroup(props: Props) {
  const { element, label, id, onChange } = props;
  const many = element.type === 'checkboxes';
  const answer = answerOf(props);
  const picked = (many ? list(answer) : [answer]).map((option) => string(record(option).value));
  return (
    <fieldset class="options" id={id} data-action-id={string(element.action_id)} aria-label={label}>
      {list(element.options).map((option) => {
        const value = string(record(option).value);
        const others = list(answer).filter((each) => string(record(each).value) !== value);
        return (
          <label class="option">
            <input
              type={many ? 'checkbox' : 'radio'}
              name={`${id ?? label}-${string(element.action_id)}`}
              value={value}
              checked={picked.includes(value)}
              onChange={(event) => {
                if (!many) onChange(stateValue(element, option));
                else onChange(stateValue(element, event.currentTarget.checked ? [...others, option] : others));
              }}
            />
            <span>
              <TextLine of={record(option).text} />
              {record(option).description !== undefined && (
                <span class="option-more">
                  <TextLine of={record(option).description} />
                </span>
              )}
            </span>
          </label>
        );
      })}
    </fieldset>
  );
}

type Item = { value: string; text: string; answer: unknown };

/** Every select: of given options, people or channels; one or several. */
function Menu(props: Props) {
  const { element, id, label, describedBy, onChange } = props;
  const surface = useSurface();
  const groups = menuGroups(element, surface);
  const items = groups.flatMap((group) => group.items);
  const answer = answerOf(props);
  const many = string(element.type).startsWith('multi_');
  const picked = (many ? list(answer) : [answer]).map((each) => string(record(each).value) || string(each));
  return (
    <select
      id={id}
      class="select"
      multiple={many}
      data-action-id={string(element.action_id)}
      aria-label={id ? undefined : label}
      aria-describedby={describedBy}
      onChange={(event) => {
        const chosen = [...event.currentTarget.selectedOptions].map((option) => items.find((item) => item.value === option.value)?.answer ?? null);
        onChange(stateValue(element, many ? chosen : (chosen[0] ?? null)));
      }}
    >
      {!many && (
        <option value="" selected={picked[0] === ''}>
          {shownText(element.placeholder) || 'Choose…'}
        </option>
      )}
      {groups.map((group) => {
        const options = group.items.map((item) => (
          <option value={item.value} selected={picked.includes(item.value)}>
            {item.text}
          </option>
        ));
        return group.label ? <optgroup label={group.label}>{options}</optgroup> : options;
      })}
    </select>
  );
}

function menuGroups(element: Json, surface: { people: { id: string; name: string }[]; channels: { id: string; name: string }[] }) {
  const type = string(element.type);
  const named = (each: { id: string; name: string }, sign: string): Item => ({ value: each.id, text: sign + each.name, answer: each.id });
  const given = (option: unknown): Item => ({ value: string(record(option).value), text: shownText(record(option).text), answer: option });
  if (type.includes('users')) return [{ label: '', items: surface.people.map((each) => named(each, '@')) }];
  if (type.includes('channels') || type.includes('conversations')) return [{ label: '', items: surface.channels.map((each) => named(each, '#')) }];
  if (element.option_groups === undefined) return [{ label: '', items: list(element.options).map(given) }];
  return list(element.option_groups).map((group) => ({ label: shownText(record(group).label), items: list(record(group).options).map(given) }));
}
