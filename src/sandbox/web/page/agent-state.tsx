import { usePage } from './page-context.ts';

const WORDS: Record<string, string> = {
  processing: 'labmate is at work…',
  suspended: 'labmate waits for something that takes its time.',
  active: 'It is your turn.',
};

/** How far the app says it is in a conversation, with Slack's own stop button while it is at work. */
export function AgentState({ channel, thread }: { channel: string; thread: string }) {
  const page = usePage();
  const state = page.snapshot.statuses?.find((s) => s.channel === channel && s.threadTs === thread);
  const words = state && WORDS[state.status];
  if (!state || !words) return null;
  return (
    <p class="agent-state" data-testid="agent-state" data-status={state.status} title={state.title ?? undefined}>
      <span class={state.status === 'processing' ? 'agent-dot agent-dot-busy' : 'agent-dot'} aria-hidden="true" />
      <span class="agent-words">{words}</span>
      {state.status === 'processing' && (
        <button
          type="button"
          class="button button-small"
          data-testid="native-stop"
          onClick={() => void page.perform({ as: page.me.id, do: 'stop', channel, thread })}
        >
          ■ Stop
        </button>
      )}
    </p>
  );
}
