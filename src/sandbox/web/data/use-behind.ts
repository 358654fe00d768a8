import { useEffect, useState } from 'preact/hooks';
import type { Behind, SessionRecord } from '../../control-types.ts';
import { fetchBehind, fetchRecord } from './client.ts';

/** What labmate remembers, looked at again after every change and once a second or so: a log grows without Slack showing it. */
export function useBehind(version: number): Behind | null {
  return useFollowed(fetchBehind, String(version), null);
}

/** One session's log, followed while it is shown. */
export function useRecord(session: string | null, version: number): SessionRecord | null {
  return useFollowed(() => (session ? fetchRecord(session) : Promise.resolve(null)), `${session} ${version}`, session);
}

function useFollowed<T>(fetch: () => Promise<T>, when: string, whose: string | null): T | null {
  const [found, setFound] = useState<{ whose: string | null; value: T } | null>(null);
  useEffect(() => {
    let gone = false;
    const look = () =>
      void fetch()
        .then((value) => !gone && setFound({ whose, value }))
        // Redis is away, or labmate is started anew: what was known stays on the page.
        .catch(() => {});
    look();
    const timer = setInterval(look, 1500);
    return () => {
      gone = true;
      clearInterval(timer);
    };
  }, [when]);
  return found && found.whose === whose ? found.value : null;
}
