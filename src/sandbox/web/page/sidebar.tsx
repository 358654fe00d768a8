import { useEffect } from 'preact/hooks';
import { channelsOf, peopleOf } from '../data/selection.ts';
import { Avatar } from './avatar.tsx';
import { usePage } from './page-context.ts';
import { useFocusBack } from './use-focus-back.ts';

const ROLE_HINT: Record<string, string> = {
  requester: 'asks for experiments',
  approver: 'may approve',
  'second approver': 'may approve, too',
  outsider: 'may not approve',
  guest: 'guest account',
};

type Props = { waiting: Record<string, number>; unread: Set<string>; onNavigate: () => void; onReset: () => void; onHome: () => void };

/** Channels above, and below who one is: the one thing a real Slack doesn't have. */
export function Sidebar({ waiting, unread, onNavigate, onReset, onHome }: Props) {
  const page = usePage();
  const { channels, direct } = channelsOf(page.snapshot, page.me.id);
  const current = page.place.channel;
  const open = (channel: string) => {
    page.go({ channel, thread: null });
    onNavigate();
  };
  return (
    <nav class="sidebar" aria-label="Workspace">
      <header class="workspace">
        <span class="workspace-name" title={`Workspace ${page.snapshot.team}`}>
          labmate
        </span>
        <button type="button" class="sidebar-button" data-testid="reset" title="Forget every message, run and pull request, and begin anew" onClick={onReset}>
          Start over
        </button>
      </header>
      <div class="sidebar-scroll">
        <h2 class="sidebar-label">Channels</h2>
        {channels.map((channel) => (
          <button
            type="button"
            class={`sidebar-item${current === channel.id ? ' sidebar-item-on' : ''}${unread.has(channel.id) ? ' sidebar-item-unread' : ''}`}
            aria-current={current === channel.id ? 'page' : undefined}
            data-testid="channel-link"
            data-channel={channel.id}
            onClick={() => open(channel.id)}
          >
            <span class="hash">#</span>
            {channel.name}
          </button>
        ))}
        <h2 class="sidebar-label">Apps</h2>
        {direct.map((channel) => (
          <button
            type="button"
            class={`sidebar-item${current === channel.id ? ' sidebar-item-on' : ''}${unread.has(channel.id) ? ' sidebar-item-unread' : ''}`}
            aria-current={current === channel.id ? 'page' : undefined}
            data-testid="channel-link"
            data-channel={channel.id}
            onClick={() => open(channel.id)}
          >
            <Avatar user={undefined} small /> labmate
          </button>
        ))}
        <button
          type="button"
          class={`sidebar-item${current === 'home' ? ' sidebar-item-on' : ''}`}
          aria-current={current === 'home' ? 'page' : undefined}
          data-testid="home-link"
          onClick={() => {
            onHome();
            onNavigate();
          }}
        >
          <span class="hash">⌂</span>App Home
        </button>
      </div>
      <section class="identities" aria-label="Who you are">
        <h2 class="sidebar-label">You are</h2>
        {peopleOf(page.snapshot).map((person, at) => {
          const mine = person.id === page.me.id;
          const count = mine ? 0 : (waiting[person.id] ?? 0);
          return (
            <button
              type="button"
              class={mine ? 'identity identity-on' : 'identity'}
              aria-pressed={mine}
              title={`Alt+${at + 1}`}
              data-testid="identity"
              data-user={person.id}
              data-role={person.role}
              onClick={() => {
                page.go({ as: person.id });
                onNavigate();
              }}
            >
              <Avatar user={person} small />
              <span class="identity-name">
                {person.realName}
                <span class="identity-role">{ROLE_HINT[person.role] ?? person.role}</span>
              </span>
              {count > 0 && (
                <span class="count" title={`Waiting for ${person.realName}`} data-testid="waiting">
                  {count}
                </span>
              )}
            </button>
          );
        })}
      </section>
    </nav>
  );
}

/** What lies over the page while the sidebar is a menu, in a narrow window. The keyboard goes into the menu, and back with it. */
export function Shade({ onClose }: { onClose: () => void }) {
  useFocusBack('[data-testid="menu"]');
  useEffect(() => document.querySelector<HTMLElement>('.sidebar [aria-current="page"]')?.focus(), []);
  return <button type="button" class="shade" aria-label="Close the menu" onClick={onClose} />;
}
