import type { ComponentChildren } from 'preact';
import { useEffect, useLayoutEffect, useRef, useState } from 'preact/hooks';
import type { SandboxMessage } from '../../control-types.ts';
import { day } from '../data/time.ts';
import { Message } from './message.tsx';
import { usePage } from './page-context.ts';

type Props = { messages: SandboxMessage[]; inThread: boolean; testId: string; label: string; children?: ComponentChildren };

/** Messages under each other, with the days between them. Follows new ones while one reads at the end, and one's own and what answers them from wherever one reads; points to others that came below. */
export function MessageList({ messages, inThread, testId, label, children }: Props) {
  const box = useRef<HTMLDivElement>(null);
  const following = useRef(true);
  const empty = useRef(true);
  empty.current = messages.length === 0;
  const me = usePage().me.id;
  const newest = Number(messages.at(-1)?.ts ?? 0);
  const last = useRef(newest);
  const [seen, setSeen] = useState(newest);
  // An answer may come with what it answers, and stand below it.
  if (messages.some(({ ts, user, onlyFor }) => Number(ts) > last.current && (user === me || onlyFor === me))) following.current = true;
  last.current = newest;
  const toEnd = () => box.current?.scrollTo({ top: box.current.scrollHeight });

  useLayoutEffect(() => {
    // An empty list holds an introduction, which is read from its top.
    if (following.current && !empty.current) toEnd();
    if (following.current) setSeen(newest);
  });
  useEffect(() => {
    // A picture that arrives late, or a chart, makes the list longer without a new message.
    const watched = box.current?.firstElementChild;
    if (!watched || typeof ResizeObserver === 'undefined') return;
    const observer = new ResizeObserver(() => {
      if (following.current && !empty.current) toEnd();
    });
    observer.observe(watched);
    return () => observer.disconnect();
  }, []);

  const now = new Date();
  return (
    <div
      class="scroller"
      ref={box}
      role="log"
      aria-label={label}
      data-testid={testId}
      onScroll={(event) => {
        const { scrollTop, scrollHeight, clientHeight } = event.currentTarget;
        following.current = scrollHeight - scrollTop - clientHeight < 60;
        if (following.current) setSeen(newest);
      }}
    >
      <div class="scroller-inner">
        {children}
        {messages.map((message, at) => {
          const before = messages[at - 1];
          const newDay = !inThread && (!before || day(before.ts, now) !== day(message.ts, now));
          return (
            <div key={message.ts}>
              {newDay && (
                <div class="day">
                  <span>{day(message.ts, now)}</span>
                </div>
              )}
              <Message message={message} compact={!newDay && follows(before, message)} inThread={inThread} />
            </div>
          );
        })}
      </div>
      {newest > seen && (
        <button type="button" class="button button-small to-end" data-testid="to-end" onClick={toEnd}>
          ↓ New below
        </button>
      )}
    </div>
  );
}

/** True for a message right after one of the same author, to the same readers, within five minutes. An app's cards stand for themselves. */
function follows(before: SandboxMessage | undefined, message: SandboxMessage): boolean {
  if (message.bot && message.blocks.length > 0) return false;
  return before !== undefined && before.user === message.user && before.onlyFor === message.onlyFor && Number(message.ts) - Number(before.ts) < 300;
}
