import { useCallback, useEffect, useRef, useState } from 'preact/hooks';
import type { Act, Snapshot } from '../../control-types.ts';
import { type Acted, act, fetchSnapshot, listen } from './client.ts';

export type Sandbox = {
  snapshot: Snapshot | null;
  connected: boolean;
  /** What went wrong last, as a sentence, until it is dismissed. */
  trouble: string | null;
  say(trouble: string | null): void;
  act(what: Act): Promise<Acted>;
  refresh(): void;
};

/** Follows the sandbox: one snapshot, fetched again whenever its version changes. */
export function useSandbox(): Sandbox {
  const [snapshot, setSnapshot] = useState<Snapshot | null>(null);
  const [connected, setConnected] = useState(true);
  const [trouble, say] = useState<string | null>(null);
  const fetching = useRef<'no' | 'yes' | 'again'>('no');

  const refresh = useCallback(() => {
    // Many changes in a row become at most one fetch under way and one after it.
    if (fetching.current !== 'no') {
      fetching.current = 'again';
      return;
    }
    fetching.current = 'yes';
    fetchSnapshot()
      .then(setSnapshot)
      .catch(() => setConnected(false))
      .finally(() => {
        const again = fetching.current === 'again';
        fetching.current = 'no';
        if (again) refresh();
      });
  }, []);

  useEffect(() => {
    refresh();
    return listen(refresh, setConnected);
  }, [refresh]);

  const perform = useCallback(
    async (what: Act): Promise<Acted> => {
      try {
        const acted = await act(what);
        // What went wrong before is no news any more.
        if (acted.ok) say(null);
        refresh();
        return acted;
      } catch (error) {
        const words = error instanceof Error ? error.message : String(error);
        say(words);
        return { ok: false, error: words };
      }
    },
    [refresh],
  );

  return { snapshot, connected, trouble, say, act: perform, refresh };
}
