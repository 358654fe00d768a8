import { useState } from 'preact/hooks';
import type { SandboxModal } from '../../control-types.ts';
import { Blocks } from '../blocks/block.tsx';
import { Dialog } from '../blocks/dialog.tsx';
import { record, textOf } from '../blocks/json.ts';
import { clientErrors, type Edits, fieldsOf, keptValues, viewValues } from '../blocks/state-values.ts';
import { type Form, FormProvider, SurfaceProvider } from '../blocks/surface.ts';
import { TextLine } from '../text/text.tsx';
import { surfaceOf, usePage } from './page-context.ts';

type Props = {
  modal: SandboxModal;
  onSubmit: (values: Edits) => Promise<void>;
  onClose: () => void;
};

/** A modal from its view. What one types stays here until it is submitted, and with the view from then on; errors come from Slack's own checks first, then from the app. */
export function Modal({ modal, onSubmit, onClose }: Props) {
  const page = usePage();
  const view = record(modal.view);
  const [edits, setEdits] = useState<Edits>(() => keptValues(view));
  const [own, setOwn] = useState<Record<string, string>>({});
  const [sending, setSending] = useState(false);
  // The app's errors count until one types into their field, or sends the form again.
  const [past, setPast] = useState<readonly string[]>([]);
  const errors = { ...Object.fromEntries(Object.entries(modal.errors).filter(([blockId]) => !past.includes(blockId))), ...own };

  const form: Form = {
    valueOf: (blockId, actionId) => edits[blockId]?.[actionId] ?? null,
    change: (blockId, actionId, value) => {
      setEdits((before) => ({ ...before, [blockId]: { ...before[blockId], [actionId]: value } }));
      setOwn(({ [blockId]: _, ...others }) => others);
      setPast((before) => [...before, blockId]);
    },
    errorOf: (blockId) => errors[blockId] ?? null,
  };
  const submit = async () => {
    const wrong = clientErrors(view, edits);
    setOwn(wrong);
    setPast(Object.keys(modal.errors));
    if (Object.keys(wrong).length > 0 || sending) return;
    setSending(true);
    await onSubmit(viewValues(view, edits));
    setPast([]);
    setSending(false);
  };

  const fields = fieldsOf(view).length;
  const canSubmit = textOf(view.submit) !== '' || fields > 0;
  return (
    <Dialog label={textOf(view.title)} class="modal" testId="modal" focusWhen={fields > 0} onClose={onClose}>
      <form
        class="modal-form"
        data-callback-id={typeof view.callback_id === 'string' ? view.callback_id : undefined}
        noValidate
        onSubmit={(event) => {
          event.preventDefault();
          void submit();
        }}
        onKeyDown={(event) => {
          if (event.key === 'Enter' && (event.metaKey || event.ctrlKey)) void submit();
        }}
      >
        <header class="modal-head">
          <span class="avatar avatar-bot avatar-small" aria-hidden="true">
            🧪
          </span>
          <h2 class="dialog-title">
            <TextLine of={view.title} />
          </h2>
          <span class="pane-spacer" />
          <button type="button" class="icon-button" aria-label="Close" onClick={onClose}>
            ✕
          </button>
        </header>
        <div class="modal-body">
          <SurfaceProvider value={surfaceOf(page, { channel: '', ts: '', view: modal.id })}>
            <FormProvider value={form}>
              <Blocks blocks={Array.isArray(view.blocks) ? view.blocks : []} />
            </FormProvider>
          </SurfaceProvider>
        </div>
        <footer class="dialog-foot">
          <button type="button" class="button" data-testid="modal-close" onClick={onClose}>
            <TextLine of={view.close ?? (canSubmit ? 'Cancel' : 'Close')} />
          </button>
          {canSubmit && (
            <button type="submit" class="button button-primary" data-testid="modal-submit" disabled={sending}>
              {sending ? 'Sending…' : <TextLine of={view.submit ?? 'Submit'} />}
            </button>
          )}
        </footer>
      </form>
    </Dialog>
  );
}
