import type { SandboxMessage } from '../../control-types.ts';
import type { Drawer as Name } from '../data/place.ts';
import { Chaos } from './chaos.tsx';
import { usePage } from './page-context.ts';
import { SessionsPane } from './sessions.tsx';
import { TrafficPane } from './traffic.tsx';
import { useFocusBack } from './use-focus-back.ts';

type Props = { message: SandboxMessage | null; onForget: () => void; say: (trouble: string) => void };

/** What happens behind the thread, and ways to disturb it. A bar at the bottom; open, a pane. */
export function Drawer({ message, onForget, say }: Props) {
  const { place, go } = usePage();
  useFocusBack(place.drawer && `[data-testid="tab-${place.drawer}"]`);
  const tab = (name: Name, label: string) => (
    <button
      type="button"
      class={place.drawer === name ? 'tab tab-on' : 'tab'}
      aria-pressed={place.drawer === name}
      data-testid={`tab-${name}`}
      onClick={() => go({ drawer: place.drawer === name ? null : name })}
    >
      {label}
    </button>
  );
  return (
    <section class={place.drawer ? 'drawer drawer-open' : 'drawer'} aria-label="Behind the scenes">
      <div class="drawer-bar">
        <span class="drawer-label">Behind the scenes</span>
        {tab('sessions', '☰ Sessions')}
        {tab('traffic', '⇅ Traffic')}
        {tab('chaos', '⚡ Break something')}
        <span class="pane-spacer" />
        {place.drawer && (
          <button type="button" class="icon-button" aria-label="Close this pane" onClick={() => go({ drawer: null })}>
            ✕
          </button>
        )}
      </div>
      {place.drawer === 'sessions' && <SessionsPane />}
      {place.drawer === 'traffic' && <TrafficPane message={message} onForget={onForget} />}
      {place.drawer === 'chaos' && <Chaos say={say} />}
    </section>
  );
}
