import { Dialog } from '../blocks/dialog.tsx';

const KEYS: [string, string][] = [
  ['Alt 1 … 5', 'become the n-th person'],
  ['Alt C', 'write in the channel'],
  ['Alt T', 'write in the thread'],
  ['Alt S, Alt R, Alt B', 'sessions, traffic, break something'],
  ['Enter', 'send, or pick a completion'],
  ['Shift Enter', 'a new line'],
  ['Ctrl Enter', 'submit a form'],
  ['Esc', 'close the form, the menu, the pane or the thread'],
  ['Alt K, ?', 'this list'],
];

/** What the keyboard can do here. */
export function KeysDialog({ onDone }: { onDone: () => void }) {
  return (
    <Dialog label="Keyboard" class="confirm keys" testId="keys" onClose={onDone}>
      <h2 class="dialog-title">Keyboard</h2>
      <dl class="dialog-body key-list">
        {KEYS.map(([keys, what]) => (
          <div>
            <dt>
              {keys.split(', ').map((one) => (
                <kbd>{one}</kbd>
              ))}
            </dt>
            <dd>{what}</dd>
          </div>
        ))}
      </dl>
      <footer class="dialog-foot">
        <button type="button" class="button button-primary" data-testid="keys-done" onClick={onDone}>
          Done
        </button>
      </footer>
    </Dialog>
  );
}
