import { useCallback, useEffect, useState } from 'preact/hooks';

/** Where one is on the page and as whom. It stands in the address, so two windows can be two people and a link leads to a thread. */
export type Place = { as: string | null; channel: string | null; thread: string | null; drawer: Drawer | null };

/** The panes behind the thread. */
export type Drawer = (typeof DRAWERS)[number];
const DRAWERS = ['sessions', 'traffic', 'chaos'] as const;

export function parsePlace(hash: string): Place {
  const params = new URLSearchParams(hash.replace(/^#/, ''));
  const drawer = params.get('drawer');
  return {
    as: params.get('as'),
    channel: params.get('channel'),
    thread: params.get('thread'),
    drawer: DRAWERS.find((each) => each === drawer) ?? null,
  };
}

export function formatPlace(place: Place): string {
  const params = new URLSearchParams();
  for (const [key, value] of Object.entries(place)) if (value) params.set(key, value);
  return `#${params}`;
}

export function usePlace(): [Place, (change: Partial<Place>) => void] {
  const [place, setPlace] = useState(() => parsePlace(location.hash));
  useEffect(() => {
    const follow = () => setPlace(parsePlace(location.hash));
    addEventListener('hashchange', follow);
    return () => removeEventListener('hashchange', follow);
  }, []);
  const go = useCallback((change: Partial<Place>) => {
    location.hash = formatPlace({ ...parsePlace(location.hash), ...change });
  }, []);
  return [place, go];
}
