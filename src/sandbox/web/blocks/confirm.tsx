import { Text, TextLine } from '../text/text.tsx';
import { Dialog } from './dialog.tsx';
import type { Json } from './json.ts';

/** "Are you sure?" in the words of the app. */
export function ConfirmDialog({ confirm, onAnswer }: { confirm: Json; onAnswer: (yes: boolean) => void }) {
  return (
    <Dialog label="Please confirm" class="confirm" testId="confirm" onClose={() => onAnswer(false)}>
      <h2 class="dialog-title">
        <TextLine of={confirm.title ?? 'Are you sure?'} />
      </h2>
      <div class="dialog-body">
        <Text of={confirm.text} />
      </div>
      <footer class="dialog-foot">
        <button type="button" class="button" data-testid="confirm-no" onClick={() => onAnswer(false)}>
          <TextLine of={confirm.deny ?? 'Cancel'} />
        </button>
        <button
          type="button"
          class={confirm.style === 'danger' ? 'button button-danger' : 'button button-primary'}
          data-testid="confirm-yes"
          onClick={() => onAnswer(true)}
        >
          <TextLine of={confirm.confirm ?? 'Yes'} />
        </button>
      </footer>
    </Dialog>
  );
}
