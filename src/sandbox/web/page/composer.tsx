import { useLayoutEffect, useRef, useState } from 'preact/hooks';
import { completionAt, isWhole, type Suggestion } from '../data/completion.ts';
import { usePage } from './page-context.ts';

type Props = {
  inThread: boolean;
  placeholder: string;
  /** Sends the text; false puts it back, so that nothing typed is lost. */
  onSend: (text: string) => Promise<boolean>;
  /** Text put into the field from outside, such as an example; a new object fills it again. */
  fill?: { text: string } | null;
};

/** Where one types. Enter sends, Shift+Enter is a new line; `/`, `@` and `#` are completed with the arrows and Tab. */
export function Composer({ inThread, placeholder, onSend, fill = null }: Props) {
  const page = usePage();
  const field = useRef<HTMLTextAreaElement>(null);
  const [text, setText] = useState('');
  const [caret, setCaret] = useState(0);
  const [picked, setPicked] = useState(0);
  const [dismissed, setDismissed] = useState('');
  const completion = dismissed === text ? null : completionAt(text, caret, page.snapshot, inThread);

  // Before the next key press: who clicks an example and hits Enter at once means to send it.
  useLayoutEffect(() => {
    if (!fill) return;
    setText(fill.text);
    setDismissed(fill.text);
    field.current?.focus();
  }, [fill]);
  useLayoutEffect(() => {
    const area = field.current;
    if (!area) return;
    area.style.height = 'auto';
    area.style.height = `${Math.min(area.scrollHeight, 220)}px`;
  }, [text]);

  const send = async () => {
    const sent = text;
    if (sent.trim() === '') return;
    setText('');
    if (!(await onSend(sent))) setText((typed) => typed || sent);
  };
  const take = (option: Suggestion) => {
    if (!completion) return;
    const next = text.slice(0, completion.from) + option.insert + text.slice(completion.to);
    const at = completion.from + option.insert.length;
    setText(next);
    setCaret(at);
    setPicked(0);
    requestAnimationFrame(() => {
      field.current?.focus();
      field.current?.setSelectionRange(at, at);
    });
  };
  const onKeyDown = (event: KeyboardEvent) => {
    const count = completion?.options.length ?? 0;
    const option = completion?.options[Math.min(picked, count - 1)];
    if (completion && event.key === 'ArrowDown') setPicked((picked + 1) % count);
    else if (completion && event.key === 'ArrowUp') setPicked((picked + count - 1) % count);
    else if (completion && event.key === 'Escape') setDismissed(text);
    // A whole command that is typed out is sent; anything less is completed first.
    else if (option && (event.key === 'Tab' || (event.key === 'Enter' && !event.shiftKey && (picked > 0 || !isWhole(text))))) take(option);
    else if (event.key === 'Enter' && !event.shiftKey && !event.isComposing) void send();
    else return;
    event.preventDefault();
    event.stopPropagation();
  };

  const where = inThread ? 'thread' : 'channel';
  return (
    <div class="composer-box">
      {completion && (
        <div class="menu completion" role="listbox" id={`completion-${where}`} data-testid="completion">
          {completion.options.map((option, at) => (
            <button
              type="button"
              role="option"
              id={`completion-${where}-${at}`}
              aria-selected={at === picked}
              class={at === picked ? 'menu-item menu-item-on' : 'menu-item'}
              onMouseDown={(event) => event.preventDefault()}
              onClick={() => take(option)}
            >
              <strong>{option.label}</strong> <span class="menu-hint">{option.hint}</span>
            </button>
          ))}
        </div>
      )}
      <div class="composer">
        <textarea
          ref={field}
          class="composer-field"
          data-testid={`composer-${where}`}
          rows={1}
          value={text}
          placeholder={placeholder}
          aria-label={placeholder}
          aria-controls={completion ? `completion-${where}` : undefined}
          aria-activedescendant={completion ? `completion-${where}-${picked}` : undefined}
          onInput={(event) => {
            setText(event.currentTarget.value);
            setCaret(event.currentTarget.selectionStart);
            setPicked(0);
          }}
          onSelect={(event) => setCaret(event.currentTarget.selectionStart)}
          onKeyDown={onKeyDown}
        />
        <div class="composer-foot">
          <span class="composer-hint">
            as <strong>{page.me.realName}</strong>
            <span class="composer-keys">
              {' '}
              · <kbd>Enter</kbd> sends, <kbd>Shift</kbd>+<kbd>Enter</kbd> new line
            </span>
          </span>
          <span class="composer-acts">
            {!inThread && (
              <button
                type="button"
                class="shortcut"
                data-testid="shortcut-new"
                title="Shortcut: New experiment. It opens a form for a usual ablation."
                onClick={() => void page.perform({ as: page.me.id, do: 'shortcut', callbackId: 'new_experiment' })}
              >
                ⚡<span class="composer-keys"> New experiment</span>
              </button>
            )}
            <button
              type="button"
              class="send"
              data-testid={`send-${where}`}
              aria-label="Send"
              title="Send"
              disabled={text.trim() === ''}
              onClick={() => void send()}
            >
              ➤
            </button>
          </span>
        </div>
      </div>
    </div>
  );
}
