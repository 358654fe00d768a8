import { useState } from 'preact/hooks';
import type { SandboxMessage } from '../../control-types.ts';
import { Blocks } from '../blocks/block.tsx';
import { SurfaceProvider } from '../blocks/surface.ts';
import { isReply, summaryOf, threadOf } from '../data/selection.ts';
import { clock, full } from '../data/time.ts';
import { Flows } from '../text/flow.tsx';
import { parseMrkdwn } from '../text/mrkdwn.ts';
import { Avatar } from './avatar.tsx';
import { EditMessage } from './edit-message.tsx';
import { Files } from './files.tsx';
import { MessageTools } from './message-tools.tsx';
import { surfaceOf, usePage } from './page-context.ts';

type Props = { message: SandboxMessage /** Drawn without its author, under an earlier message of theirs. */; compact: boolean; inThread: boolean };

export function Message({ message, compact, inThread }: Props) {
  const page = usePage();
  const [raw, setRaw] = useState(false);
  const [editing, setEditing] = useState(false);
  const author = page.user(message.user);
  const name = author?.realName ?? message.user;
  return (
    <article
      class={`message${compact ? ' message-compact' : ''}${message.onlyFor ? ' message-private' : ''}`}
      data-testid="message"
      data-ts={message.ts}
      data-thread-ts={message.threadTs ?? undefined}
      data-user={message.user}
      data-only-for={message.onlyFor ?? undefined}
      aria-label={`${name}, ${clock(message.ts)}`}
    >
      <div class="message-side">{compact ? <span class="message-hover-time">{clock(message.ts)}</span> : <Avatar user={author} />}</div>
      <div class="message-main">
        {message.onlyFor && (
          <p class="message-only" data-testid="only-you">
            👁 Only visible to you
          </p>
        )}
        {!compact && (
          <header class="message-head">
            <span class="message-author">{name}</span>
            {author?.role === 'bot' && <span class="badge">APP</span>}
            {author?.guest && <span class="badge">GUEST</span>}
            <time class="message-time" title={full(message.ts)}>
              {clock(message.ts)}
            </time>
          </header>
        )}
        <SurfaceProvider value={surfaceOf(page, message)}>
          <div class="message-content" data-testid="content">
            {editing && <EditMessage message={message} onDone={() => setEditing(false)} />}
            {editing ? null : message.blocks.length > 0 ? <Blocks blocks={message.blocks} /> : <Flows flows={parseMrkdwn(message.text)} />}
            {!editing && message.edited && !message.bot && <span class="message-edited">(edited)</span>}
          </div>
        </SurfaceProvider>
        <Files files={message.files} />
        {raw && <pre class="text-pre message-raw">{JSON.stringify(message, null, 2)}</pre>}
        {!inThread && <ThreadSummary message={message} />}
      </div>
      <MessageTools message={message} inThread={inThread} raw={raw} onRaw={() => setRaw(!raw)} onEdit={() => setEditing(true)} />
    </article>
  );
}

function ThreadSummary({ message }: { message: SandboxMessage }) {
  const page = usePage();
  if (isReply(message)) return null;
  const { replies } = threadOf(page.snapshot, message.channel, message.ts, page.me.id);
  const summary = summaryOf(replies);
  if (!summary) return null;
  const open = page.place.thread === message.ts;
  return (
    <button
      type="button"
      class={open ? 'summary summary-open' : 'summary'}
      data-testid="thread-summary"
      onClick={() => page.go({ thread: open ? null : message.ts })}
    >
      <span class="summary-people">
        {summary.people.map((id) => (
          <Avatar user={page.user(id)} small />
        ))}
      </span>
      <span class="summary-count">
        {summary.count} {summary.count === 1 ? 'reply' : 'replies'}
      </span>
      <span class="summary-last">Last reply {clock(summary.last)}</span>
    </button>
  );
}
