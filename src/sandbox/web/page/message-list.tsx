import type { ComponentChildren } from 'preact';
import { useEffect, useLayoutEffect, useRef } from 'preact/hooks';
import type { SandboxMessage } from '../../control-types.ts';
import { day } from '../data/time.ts';
import { Message } from './message.tsx';
import { usePage } from './page-context.ts';

type Props = { messages: SandboxMessage[]; inThread: boolean; testId: string; label: string; children?: ComponentChildren };

/** Messages under each other, with the days between them. Follows new ones while one reads at the end, and one's own and what answers them from wherever one reads. */
export function MessageList({ messages, inThread, testId, label, children }: Props) {
  const box = useRef<HTMLDivElement>(null);
  const following = useRef(true);
  const empty = useRef(true);
  empty.current = messages.length === 0;
  const me = usePage().me.id;
  const last = useRef(messages.at(-1)?.ts);
  const newest = messages.at(-1);
  if (newest && newest.ts !== last.current) {
    last.current = newest.ts;
    if (newest.user === me || newest.onlyFor === me) following.current = true;
  }

  useLayoutEffect(() => {
    // An empty list holds an introduction, which is read from its top.
    if (following.current && box.current && !empty.current) box.current.scrollTop = box.current.scrollHeight;
  });
  useEffect(() => {
    // A picture that arrives late, or a chart, makes the list longer without a new message.
    const watched = box.current?.firstElementChild;
    if (!watched || typeof ResizeObserver === 'undefined') return;
    const observer = new ResizeObserver(() => {
      if (following.current && box.current && !empty.current) box.current.scrollTop = box.current.scrollHeight;
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
    </div>
  );
}

/** True for a message right after one of the same author, to the same readers, within five minutes. An app's cards stand for themselves. */
function follows(before: SandboxMessage | undefined, message: SandboxMessage): boolean {
  if (message.bot && message.blocks.length > 0) return false;
  return before !== undefined && before.user === message.user && before.onlyFor === message.onlyFor && Number(message.ts) - Number(before.ts) < 300;
}
