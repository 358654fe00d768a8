import { useEffect, useRef, useState } from 'preact/hooks';
import type { SandboxMessage } from '../../control-types.ts';
import { editable } from '../data/editable.ts';
import { usePage } from './page-context.ts';

/** One's own message, being edited in its place. Escape leaves it as it was. */
export function EditMessage({ message, onDone }: { message: SandboxMessage; onDone: () => void }) {
  const page = usePage();
  const [text, setText] = useState(editable(message.text, page.snapshot));
  const field = useRef<HTMLTextAreaElement>(null);
  useEffect(() => field.current?.focus(), []);
  const save = async () => {
    const { ok } = await page.perform({ as: page.me.id, do: 'edit', channel: message.channel, ts: message.ts, text });
    if (ok) onDone();
  };
  return (
    <div class="composer edit-message">
      <textarea
        ref={field}
        class="composer-field"
        data-testid="edit-field"
        aria-label="Edit message"
        rows={Math.min(8, text.split('\n').length + 1)}
        value={text}
        onInput={(event) => setText(event.currentTarget.value)}
        onKeyDown={(event) => {
          if (event.key === 'Escape') onDone();
          else if (event.key === 'Enter' && !event.shiftKey && !event.isComposing) void save();
          else return;
          event.preventDefault();
          event.stopPropagation();
        }}
      />
      <div class="composer-foot edit-foot">
        <button type="button" class="button button-small" onClick={onDone}>
          Cancel
        </button>
        <button type="button" class="button button-small button-primary" data-testid="edit-save" disabled={text.trim() === ''} onClick={() => void save()}>
          Save
        </button>
      </div>
    </div>
  );
}
