import { useEffect, useRef, useState } from 'preact/hooks';
import { safeUrl } from '../text/links.ts';
import { TextLine } from '../text/text.tsx';
import { ConfirmDialog } from './confirm.tsx';
import { FieldElement } from './fields.tsx';
import { type Json, list, record, shownText, string } from './json.ts';
import { Picture } from './picture.tsx';
import { answerKey, initialValue } from './state-values.ts';
import { type StateValue, useForm, useSurface } from './surface.ts';

/** One element of an actions block, an accessory or a card. */
export function Element({ element, blockId }: { element: unknown; blockId: string }) {
  const json = record(element);
  if (json.type === 'button' || json.type === 'workflow_button') return <Button button={json} />;
  if (json.type === 'image') return <Picture image={json} class="accessory-image" />;
  if (json.type === 'overflow') return <Overflow menu={json} />;
  if (answerKey(json)) return <Choice element={json} blockId={blockId} />;
  return <code class="text-code">{JSON.stringify(element)}</code>;
}

export function Button({ button }: { button: Json }) {
  const surface = useSurface();
  const [asking, setAsking] = useState(false);
  const actionId = string(button.action_id);
  const value = button.value === undefined ? undefined : string(button.value);
  const url = safeUrl(string(button.url));
  const press = () => surface.act?.(actionId, value);
  const style = button.style === 'primary' || button.style === 'danger' ? ` button-${button.style}` : '';
  const label = string(button.accessibility_label) || undefined;
  const face = <TextLine of={button.text} />;
  if (url) {
    return (
      <a class={`button${style}`} data-action-id={actionId} href={url} target="_blank" rel="noopener noreferrer" aria-label={label} onClick={press}>
        {face}
      </a>
    );
  }
  return (
    <>
      <button
        type="button"
        class={`button${style}`}
        data-testid="action"
        data-action-id={actionId}
        data-value={value}
        aria-label={label}
        onClick={() => (button.confirm === undefined ? press() : setAsking(true))}
      >
        {face}
      </button>
      {asking && (
        <ConfirmDialog
          confirm={record(button.confirm)}
          onAnswer={(yes) => {
            setAsking(false);
            if (yes) press();
          }}
        />
      )}
    </>
  );
}

function Overflow({ menu }: { menu: Json }) {
  const surface = useSurface();
  const [open, setOpen] = useState(false);
  const box = useRef<HTMLDivElement>(null);
  useEffect(() => {
    if (!open) return;
    const close = (event: MouseEvent) => {
      if (event.target instanceof Node && !box.current?.contains(event.target)) setOpen(false);
    };
    document.addEventListener('click', close);
    return () => document.removeEventListener('click', close);
  }, [open]);
  return (
    <div class="overflow" ref={box}>
      <button type="button" class="button" aria-haspopup="menu" aria-expanded={open} aria-label="More actions" onClick={() => setOpen(!open)}>
        ⋯
      </button>
      {open && (
        <div class="menu" role="menu">
          {list(menu.options).map((option) => (
            <button
              type="button"
              role="menuitem"
              class="menu-item"
              data-action-id={string(menu.action_id)}
              onClick={() => {
                setOpen(false);
                surface.act?.(string(menu.action_id), string(record(option).value));
              }}
            >
              <TextLine of={record(option).text} />
            </button>
          ))}
        </div>
      )}
    </div>
  );
}

/** A select, date, checkbox or radio group outside an input block: it acts as soon as it is changed, and in a form its answer is kept too. */
function Choice({ element, blockId }: { element: Json; blockId: string }) {
  const surface = useSurface();
  const form = useForm();
  const [own, setOwn] = useState<StateValue>(initialValue(element));
  const actionId = string(element.action_id);
  const value = form?.valueOf(blockId, actionId) ?? own;
  return (
    <FieldElement
      element={element}
      value={value}
      label={shownText(element.placeholder) || actionId}
      onChange={(next) => {
        setOwn(next);
        form?.change(blockId, actionId, next);
        surface.act?.(actionId, pickedValue(next, element));
      }}
    />
  );
}

/** The plain value of what was just picked, which is what a click carries. */
function pickedValue(state: StateValue, element: Json): string | undefined {
  const answer = state[answerKey(element) ?? 'value'];
  const last = Array.isArray(answer) ? answer.at(-1) : answer;
  return string(record(last).value) || string(last) || undefined;
}

/** Feedback and icon buttons under a message. */
export function ContextActions({ block }: { block: Json }) {
  const surface = useSurface();
  const quiet = (element: Json, actionId: string, sign: string) => (
    <button
      type="button"
      class="icon-button"
      data-action-id={actionId}
      title={shownText(element.text)}
      aria-label={string(element.accessibility_label) || shownText(element.text)}
      onClick={() => surface.act?.(actionId, string(element.value) || undefined)}
    >
      {sign}
    </button>
  );
  return (
    <div class="context-actions">
      {list(block.elements).map((each) => {
        const element = record(each);
        const actionId = string(element.action_id);
        if (element.type === 'icon_button') return quiet(element, actionId, element.icon === 'trash' ? '🗑' : shownText(element.text));
        return (
          <>
            {quiet(record(element.positive_button), actionId, '👍')}
            {quiet(record(element.negative_button), actionId, '👎')}
          </>
        );
      })}
    </div>
  );
}
