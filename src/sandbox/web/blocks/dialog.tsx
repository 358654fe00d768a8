import type { ComponentChildren } from 'preact';
import { useEffect, useRef } from 'preact/hooks';

type Props = {
  label: string;
  class?: string;
  testId?: string;
  /** A change of it moves the focus to the first field: a view that was loading has got its fields. */
  focusWhen?: boolean;
  onClose: () => void;
  children: ComponentChildren;
};

/** A dialog over the page. The browser's own: it keeps the focus inside, and Esc closes it. */
export function Dialog({ label, class: name = '', testId, focusWhen, onClose, children }: Props) {
  const dialog = useRef<HTMLDialogElement>(null);
  useEffect(() => {
    const opened = dialog.current;
    const before = document.activeElement;
    opened?.showModal();
    return () => {
      opened?.close();
      if (before instanceof HTMLElement) before.focus();
    };
  }, []);
  useEffect(() => {
    dialog.current?.querySelector<HTMLElement>('textarea, input, select, .button-primary, .button-danger')?.focus();
  }, [focusWhen]);
  return (
    <dialog
      ref={dialog}
      class={`dialog ${name}`}
      data-testid={testId}
      aria-label={label}
      onCancel={(event) => {
        // Whether it closes is for the server to say; until then it stays.
        event.preventDefault();
        onClose();
      }}
    >
      {children}
    </dialog>
  );
}
