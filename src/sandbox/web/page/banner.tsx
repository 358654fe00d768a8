import { useState } from 'preact/hooks';
import type { Snapshot } from '../../control-types.ts';

/** Says all the time that this is not real, and on request what stands in for what. */
export function Banner({ snapshot, connected, onKeys }: { snapshot: Snapshot; connected: boolean; onKeys: () => void }) {
  const [open, setOpen] = useState(false);
  return (
    <header class={open ? 'banner' : 'banner banner-closed'} data-testid="banner">
      <div class="banner-line">
        <span class="banner-tag">Sandbox</span>
        <span class="banner-text">{snapshot.banner}</span>
        {!connected && (
          <span class="banner-lost" role="status" data-testid="disconnected">
            Connection lost, trying again…
          </span>
        )}
        <button type="button" class="banner-more only-wide" data-testid="keys-button" title="What the keyboard can do (?)" onClick={onKeys}>
          Keyboard
        </button>
        {snapshot.simulated.length > 0 && (
          <button type="button" class="banner-more" aria-expanded={open} data-testid="simulated" onClick={() => setOpen(!open)}>
            {open ? 'Hide' : 'What is simulated?'}
          </button>
        )}
      </div>
      {open && (
        <dl class="simulated">
          {snapshot.simulated.map((each) => (
            <div>
              <dt>{each.name}</dt>
              <dd>{each.by}</dd>
            </div>
          ))}
        </dl>
      )}
    </header>
  );
}
