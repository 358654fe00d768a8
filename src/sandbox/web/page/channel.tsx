import { useEffect, useState } from 'preact/hooks';
import type { SandboxChannel } from '../../control-types.ts';
import { rootsOf } from '../data/selection.ts';
import { Composer } from './composer.tsx';
import { Examples, FirstRun } from './first-run.tsx';
import { MessageList } from './message-list.tsx';
import { usePage } from './page-context.ts';
import { SuggestedPrompts } from './suggested.tsx';

type Props = { channel: SandboxChannel; onSend: (text: string) => Promise<boolean>; onMenu: () => void };

export function Channel({ channel, onSend, onMenu }: Props) {
  const page = usePage();
  const messages = rootsOf(page.snapshot, channel.id, page.me.id);
  // The first channel is the one labmate serves, and where a newcomer begins.
  const main = page.snapshot.channels[0]?.id;
  const [fill, setFill] = useState<{ text: string } | null>(null);
  const [examples, setExamples] = useState(false);
  const pick = (text: string) => {
    setExamples(false);
    setFill({ text });
  };
  // Opening the conversation is an event of its own, which the app answers with what it suggests.
  const { perform, me } = page;
  useEffect(() => {
    if (channel.im) void perform({ as: me.id, do: 'home', tab: 'messages' });
  }, [channel.id, me.id]);
  const name = channel.im ? 'labmate' : `#${channel.name}`;
  return (
    <main class="channel" data-testid="channel" data-channel={channel.id}>
      <header class="pane-head">
        <button type="button" class="icon-button only-narrow" aria-label="Channels and people" data-testid="menu" onClick={onMenu}>
          ☰
        </button>
        <h1 class="pane-title">
          {!channel.im && <span class="hash">#</span>}
          {channel.im ? 'labmate' : channel.name}
        </h1>
        <span class="pane-spacer" />
        {messages.length > 0 && !channel.im && (
          <button type="button" class="button button-small" aria-expanded={examples} data-testid="examples" onClick={() => setExamples(!examples)}>
            Example prompts
          </button>
        )}
      </header>
      {examples && (
        <div class="examples-drop">
          <Examples onPick={pick} />
        </div>
      )}
      <MessageList key={`${channel.id} ${page.me.id}`} messages={messages} inThread={false} testId="messages" label={`Messages in ${name}`}>
        {messages.length === 0 && (channel.id === main ? <FirstRun onPick={pick} /> : <Empty channel={channel} main={page.snapshot.channels[0]} />)}
      </MessageList>
      {channel.im && <SuggestedPrompts channel={channel.id} short={messages.length > 0} onSend={(text) => void onSend(text)} />}
      <Composer
        key={channel.id}
        inThread={false}
        fill={fill}
        placeholder={channel.im ? 'Message labmate' : `Message ${name}: /experiment … or @labmate …`}
        onSend={onSend}
      />
    </main>
  );
}

function Empty({ channel, main }: { channel: SandboxChannel; main: SandboxChannel | undefined }) {
  if (channel.im) return <p class="empty">Your direct messages with labmate. Nothing here yet.</p>;
  return <p class="empty">Nothing here yet. labmate listens in #{main?.name ?? 'its channel'}; ask for something here to see what it says.</p>;
}
