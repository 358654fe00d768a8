import { useEffect, useRef } from 'preact/hooks';
import type { Drawer, Place } from './place.ts';

type Here = {
  people: string[];
  place: Place;
  go: (change: Partial<Place>) => void;
  help: () => void /** Null where no menu is open. */;
  closeMenu: (() => void) | null;
};

const DRAWERS: Record<string, Drawer> = { KeyS: 'sessions', KeyR: 'traffic', KeyB: 'chaos' };

/** Everything without a mouse. Letters go by their place on the keyboard: with Alt, some layouts type something else. */
export function useShortcuts(here: Here): void {
  const latest = useRef(here);
  latest.current = here;
  useEffect(() => {
    const onKey = (event: KeyboardEvent) => {
      if (document.querySelector('dialog[open]')) return;
      if (handle(event, latest.current)) event.preventDefault();
    };
    addEventListener('keydown', onKey);
    return () => removeEventListener('keydown', onKey);
  }, []);
}

function handle(event: KeyboardEvent, { people, place, go, help, closeMenu }: Here): boolean {
  if (event.altKey && !event.ctrlKey && !event.metaKey) {
    const person = people[Number(event.code.replace('Digit', '')) - 1];
    const drawer = DRAWERS[event.code];
    if (person) go({ as: person });
    else if (event.code === 'KeyK') help();
    else if (drawer) go({ drawer: place.drawer === drawer ? null : drawer });
    else return focus(event.code === 'KeyC' ? 'channel' : event.code === 'KeyT' ? 'thread' : null);
    return true;
  }
  if (event.key === 'Escape' && closeMenu) {
    closeMenu();
    return true;
  }
  if (event.key === 'Escape' && (place.drawer || place.thread)) {
    go(place.drawer ? { drawer: null } : { thread: null });
    return true;
  }
  if (event.key !== '?' || isTyping(event.target)) return false;
  help();
  return true;
}

function focus(composer: 'channel' | 'thread' | null): boolean {
  const field = composer && document.querySelector<HTMLElement>(`[data-testid="composer-${composer}"]`);
  field?.focus();
  return field !== null;
}

function isTyping(target: EventTarget | null): boolean {
  return target instanceof HTMLElement && (target.tagName === 'TEXTAREA' || target.tagName === 'INPUT' || target.tagName === 'SELECT');
}
