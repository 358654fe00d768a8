import { useEffect } from 'preact/hooks';

/** Takes the keyboard back to what opened a pane (a selector) when the pane closes with the focus in it: it would be nowhere otherwise. */
export function useFocusBack(opener: string | null): void {
  useEffect(() => {
    if (opener === null) return;
    return () => {
      setTimeout(() => {
        const now = document.activeElement;
        // What is only hidden keeps the focus until it is drawn.
        if (now === null || now === document.body || getComputedStyle(now).visibility === 'hidden')
          document.querySelector<HTMLElement>(opener)?.focus({ preventScroll: true });
      });
    };
  }, [opener]);
}
