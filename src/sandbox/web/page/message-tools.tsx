import { useState } from 'preact/hooks';
import type { SandboxMessage } from '../../control-types.ts';
import { ConfirmDialog } from '../blocks/confirm.tsx';
import { usePage } from './page-context.ts';

type Props = { message: SandboxMessage; inThread: boolean; raw: boolean; onRaw: () => void; onEdit: () => void };

/** What one can do with a message: what Slack offers, and a look at how it came about. */
export function MessageTools({ message, inThread, raw, onRaw, onEdit }: Props) {
  const page = usePage();
  const [deleting, setDeleting] = useState(false);
  const at = { as: page.me.id, channel: message.channel, ts: message.ts };
  const shared = message.onlyFor === null;
  const mine = shared && message.user === page.me.id;
  return (
    <>
      <div class="message-tools" role="toolbar" aria-label="About this message">
        {!inThread && shared && (
          <button type="button" class="tool" data-testid="open-thread" title="Reply in thread" onClick={() => page.go({ thread: message.ts })}>
            💬<span class="tool-word">Thread</span>
          </button>
        )}
        {shared && !message.bot && (
          <button
            type="button"
            class="tool"
            data-testid="run-as-experiment"
            title="Run as experiment: the app's shortcut on a message"
            onClick={() => void page.perform({ ...at, do: 'shortcut', callbackId: 'run_as_experiment' })}
          >
            🧪<span class="tool-word">Run</span>
          </button>
        )}
        {mine && (
          <button type="button" class="tool" data-testid="edit-message" aria-label="Edit message" title="Edit" onClick={onEdit}>
            ✎
          </button>
        )}
        {(mine || (shared && message.user === page.snapshot.bot)) && (
          <button
            type="button"
            class="tool"
            data-testid="delete-message"
            aria-label="Delete message"
            title={mine ? 'Delete' : 'Delete, as an admin may'}
            onClick={() => setDeleting(true)}
          >
            🗑
          </button>
        )}
        <button type="button" class="tool" data-testid="message-traffic" title="The requests behind this message" onClick={() => page.inspect(message)}>
          ⇅<span class="tool-word">Traffic</span>
        </button>
        <button type="button" class="tool" aria-pressed={raw} title="The message as Slack holds it" onClick={onRaw}>
          {'{ }'}
          <span class="tool-word">JSON</span>
        </button>
      </div>
      {deleting && (
        <ConfirmDialog
          confirm={{
            title: 'Delete message?',
            text: 'It is gone for everybody. labmate is told, as by Slack.',
            confirm: 'Delete',
            deny: 'Keep it',
            style: 'danger',
          }}
          onAnswer={(yes) => {
            setDeleting(false);
            if (yes) void page.perform({ ...at, do: 'delete' });
          }}
        />
      )}
    </>
  );
}
