import { useEffect, useRef, useState } from 'preact/hooks';
import type { Snapshot } from '../../control-types.ts';
import { unreadMentions } from './selection.ts';

/** What waits to be looked at: how many messages address each person, and which channels have something new for this one. */
export function useAttention(snapshot: Snapshot, me: string, channel: string | null, thread: string | null) {
  const [seenBy, setSeenBy] = useState<Record<string, string>>({});
  const opened = useRef<Record<string, number>>({});
  const newest = snapshot.messages.reduce((last, message) => (Number(message.ts) > Number(last) ? message.ts : last), '0');

  // Whoever one is has seen what is there.
  useEffect(() => {
    setSeenBy((before) => ({ ...before, [me]: newest }));
    if (channel) opened.current[`${me} ${channel}`] = Number(newest);
  }, [me, channel, thread, newest]);

  const unread = new Set(
    snapshot.messages
      .filter((message) => message.user !== me && (message.onlyFor === null || message.onlyFor === me))
      .filter((message) => message.channel !== channel && Number(message.ts) > (opened.current[`${me} ${message.channel}`] ?? 0))
      .map((message) => message.channel),
  );
  return { mentions: unreadMentions(snapshot, seenBy), unread };
}
