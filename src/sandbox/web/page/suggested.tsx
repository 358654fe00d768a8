import { usePage } from './page-context.ts';

type Props = { channel: string /** Something was said already: a line of titles is enough. */; short: boolean; onSend: (text: string) => void };

/** What the app offers to say in a conversation with it. A click says it, as in Slack. */
export function SuggestedPrompts({ channel, short, onSend }: Props) {
  const { snapshot } = usePage();
  const offered = snapshot.prompts?.find((each) => each.channel === channel && each.threadTs === null);
  if (!offered || offered.prompts.length === 0) return null;
  return (
    <section class={short ? 'suggested suggested-short' : 'suggested'} data-testid="suggested" aria-label="Suggested prompts">
      {!short && <h2 class="suggested-title">{offered.title ?? 'Try one of these'}</h2>}
      <div class="examples">
        {offered.prompts.map(({ title, message }) => (
          <button type="button" class="example" data-testid="suggested-prompt" title={message} onClick={() => onSend(message)}>
            <span class="example-title">{title}</span>
            {!short && <span class="example-text">{message}</span>}
          </button>
        ))}
      </div>
    </section>
  );
}
