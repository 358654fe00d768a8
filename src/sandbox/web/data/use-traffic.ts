import { useEffect, useRef, useState } from 'preact/hooks';
import type { Traffic } from '../../control-types.ts';
import { fetchTraffic } from './client.ts';

/** All traffic so far, oldest first, kept up to date while something shows it. Begins anew when the sandbox was reset. */
export function useTraffic(version: number): Traffic[] {
  const [all, setAll] = useState<Traffic[]>([]);
  const last = useRef({ n: 0, version });

  useEffect(() => {
    let gone = false;
    if (version < last.current.version) {
      last.current.n = 0;
      setAll([]);
    }
    last.current.version = version;
    const follow = async () => {
      const more = await fetchTraffic(last.current.n).catch(() => []);
      if (gone || more.length === 0) return;
      last.current.n = Math.max(...more.map((each) => each.n));
      setAll((before) => [...before.filter((each) => more.every((one) => one.n !== each.n)), ...more]);
    };
    void follow();
    // Not every request changes what Slack shows, so a version is not enough to go by.
    const timer = setInterval(() => void follow(), 1200);
    return () => {
      gone = true;
      clearInterval(timer);
    };
  }, [version]);
  return all;
}
