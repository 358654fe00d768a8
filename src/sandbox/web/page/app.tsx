import { useState } from 'preact/hooks';
import type { SandboxMessage, Snapshot } from '../../control-types.ts';
import { type SavedStory, saveStory } from '../data/client.ts';
import { usePlace } from '../data/place.ts';
import { channelsOf, modalOf, othersBefore, peopleOf } from '../data/selection.ts';
import { useAttention } from '../data/use-attention.ts';
import { type Sandbox, useSandbox } from '../data/use-sandbox.ts';
import { useSending } from '../data/use-sending.ts';
import { useShortcuts } from '../data/use-shortcuts.ts';
import { Banner } from './banner.tsx';
import { Channel } from './channel.tsx';
import { Drawer } from './drawer.tsx';
import { Home } from './home.tsx';
import { KeysDialog } from './keys.tsx';
import { Modal } from './modal.tsx';
import { type Page, PageProvider } from './page-context.ts';
import { ResetDialog } from './reset.tsx';
import { StoryDialog } from './save-story.tsx';
import { Shade, Sidebar } from './sidebar.tsx';
import { Thread } from './thread.tsx';

export function App() {
  const sandbox = useSandbox();
  if (!sandbox.snapshot) {
    return <p class="loading">{sandbox.connected ? 'Opening the sandbox…' : 'The sandbox does not answer yet. Is `npm run sandbox` running?'}</p>;
  }
  return <Workspace sandbox={sandbox} snapshot={sandbox.snapshot} />;
}

function Workspace({ sandbox, snapshot }: { sandbox: Sandbox; snapshot: Snapshot }) {
  const [place, go] = usePlace();
  const [menu, setMenu] = useState(false);
  const [resetting, setResetting] = useState(false);
  const [inspected, setInspected] = useState<SandboxMessage | null>(null);
  const people = peopleOf(snapshot);
  const me = people.find((person) => person.id === place.as) ?? people[0];
  const { channels, direct } = channelsOf(snapshot, me?.id ?? '');
  // Another person's direct messages are not open to this one: back to the first channel.
  const channel = [...channels, ...direct].find((each) => each.id === place.channel) ?? channels[0];
  const at = place.channel === 'home' ? 'home' : (channel?.id ?? null);
  const sending = useSending({ sandbox, snapshot, me: me?.id ?? '', channel: channel?.id ?? '', go });
  const attention = useAttention(snapshot, me?.id ?? '', at, place.thread);
  const [keys, setKeys] = useState(false);
  const [story, setStory] = useState<(SavedStory & { others: boolean }) | null>(null);
  useShortcuts({ people: people.map((person) => person.id), place, go, help: () => setKeys(true), closeMenu: menu ? () => setMenu(false) : null });
  if (!me) return <p class="loading">{snapshot.banner} The people of this workspace are not here but in Slack itself: talk to labmate there.</p>;

  const page: Page = {
    snapshot,
    me,
    place: { ...place, channel: at },
    go,
    user: (id) => snapshot.users.find((user) => user.id === id),
    click: sending.click,
    perform: sending.perform,
    inspect: (message) => {
      setInspected(message);
      go({ drawer: 'traffic' });
    },
  };
  const modal = modalOf(snapshot, me.id);
  const openMenu = () => setMenu(true);
  const save = () =>
    void saveStory(at ?? '', place.thread ?? '')
      .then((saved) => setStory({ ...saved, others: othersBefore(snapshot, at ?? '', place.thread ?? '') }))
      .catch((error: unknown) => sandbox.say(error instanceof Error ? error.message : String(error)));
  return (
    <PageProvider value={page}>
      <div class={`page${place.thread && at !== 'home' ? ' page-thread' : ''}${menu ? ' page-menu' : ''}`}>
        <Banner snapshot={snapshot} connected={sandbox.connected} onKeys={() => setKeys(true)} />
        <div class="body">
          <Sidebar
            waiting={attention.waiting}
            unread={attention.unread}
            onNavigate={() => setMenu(false)}
            onReset={() => setResetting(true)}
            onHome={() => {
              go({ channel: 'home', thread: null });
              void sandbox.act({ as: me.id, do: 'home' });
            }}
          />
          {menu && <Shade onClose={() => setMenu(false)} />}
          <div class="stage">
            <div class="panes">
              {at === 'home' || !channel ? <Home onMenu={openMenu} /> : <Channel channel={channel} onSend={sending.toChannel} onMenu={openMenu} />}
              {at !== 'home' && channel && place.thread && (
                <Thread channel={channel} ts={place.thread} onSend={(text) => sending.toThread(text, place.thread ?? '')} onSave={save} />
              )}
            </div>
            <Drawer message={inspected} onForget={() => setInspected(null)} say={sandbox.say} />
          </div>
        </div>
        {sandbox.trouble && (
          <div class="toast" role="alert" data-testid="trouble">
            {sandbox.trouble}
            <button type="button" class="icon-button" aria-label="Dismiss" onClick={() => sandbox.say(null)}>
              ✕
            </button>
          </div>
        )}
        {modal && (
          <Modal
            key={modal.id}
            modal={modal}
            onSubmit={(values) => sending.submit(modal.id, values)}
            onClose={() => void sandbox.act({ as: me.id, do: 'close', modal: modal.id })}
          />
        )}
        {story && <StoryDialog story={story} onDone={() => setStory(null)} />}
        {keys && <KeysDialog onDone={() => setKeys(false)} />}
        {resetting && <ResetDialog sandbox={sandbox} onDone={() => setResetting(false)} />}
      </div>
    </PageProvider>
  );
}
