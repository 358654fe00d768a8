import { deciderOf, threadOf } from '../data/selection.ts';
import { AgentState } from './agent-state.tsx';
import { Composer } from './composer.tsx';
import { MessageList } from './message-list.tsx';
import { usePage } from './page-context.ts';
import { useFocusBack } from './use-focus-back.ts';

type Props = { channel: { id: string; name: string }; ts: string; onSend: (text: string) => Promise<boolean>; onSave: () => void };

export function Thread({ channel, ts, onSend, onSave }: Props) {
  const page = usePage();
  const { root, replies } = threadOf(page.snapshot, channel.id, ts, page.me.id);
  const decider = deciderOf(replies, page.snapshot, page.me.id);
  useFocusBack(`[data-testid="message"][data-ts="${ts}"] [data-testid="thread-summary"]`);
  const close = () => page.go({ thread: null });
  return (
    <aside class="thread" aria-label="Thread" data-testid="thread" data-ts={ts}>
      <header class="pane-head">
        <button type="button" class="icon-button only-narrow" aria-label="Back to the channel" onClick={close}>
          ←
        </button>
        <h2 class="pane-title">Thread</h2>
        <span class="pane-sub">{channel.name}</span>
        <span class="pane-spacer" />
        {root && (
          <button type="button" class="button button-small" data-testid="save-story" title="Keep who did what, and how it came out, as a test" onClick={onSave}>
            Save as a test
          </button>
        )}
        <button type="button" class="icon-button" aria-label="Close thread" title="Close" data-testid="close-thread" onClick={close}>
          ✕
        </button>
      </header>
      <MessageList key={`${ts} ${page.me.id}`} messages={root ? [root, ...replies] : replies} inThread testId="thread-messages" label="Messages in the thread">
        {!root && replies.length === 0 && <p class="empty">This thread is not here any more. It may be from before the sandbox was reset.</p>}
      </MessageList>
      {decider && (
        <p class="decider" data-testid="decider">
          <span>An approval waits, and it is not {page.me.realName}'s to give.</span>
          <button type="button" class="button button-small" data-testid="become" data-user={decider.id} onClick={() => page.go({ as: decider.id })}>
            Become {decider.realName}
          </button>
        </p>
      )}
      <AgentState channel={channel.id} thread={ts} />
      <Composer key={ts} inThread placeholder="Reply…" onSend={onSend} />
    </aside>
  );
}
