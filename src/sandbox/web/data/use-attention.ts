import { useEffect, useRef } from 'preact/hooks';
import type { Snapshot } from '../../control-types.ts';
import { waitingFor } from './selection.ts';

/** What waits for each person, and which channels have something new for this one. */
export function useAttention(snapshot: Snapshot, me: string, channel: string | null, thread: string | null) {
  const opened = useRef<Record<string, number>>({});
  const newest = snapshot.messages.reduce((last, message) => (Number(message.ts) > Number(last) ? message.ts : last), '0');

  useEffect(() => {
    if (channel) opened.current[`${me} ${channel}`] = Number(newest);
  }, [me, channel, thread, newest]);

  const unread = new Set(
    snapshot.messages
      .filter((message) => message.user !== me && (message.onlyFor === null || message.onlyFor === me))
      .filter((message) => message.channel !== channel && Number(message.ts) > (opened.current[`${me} ${message.channel}`] ?? 0))
      .map((message) => message.channel),
  );
  return { waiting: waitingFor(snapshot), unread };
}
