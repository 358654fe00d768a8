import { useState } from 'preact/hooks';
import type { Fault } from '../../control-types.ts';
import { fault } from '../data/client.ts';
import { FAULTS } from '../data/faults.ts';

/** Breaks things on purpose. Each says what should happen, so that one can check it. */
export function Chaos({ say }: { say: (trouble: string) => void }) {
  const [armed, setArmed] = useState<string[]>([]);
  const arm = (what: Fault | null, id: string | null) => {
    fault(what)
      .then(() => setArmed((before) => (id === null ? [] : [...before, id])))
      .catch((error: unknown) => say(error instanceof Error ? error.message : String(error)));
  };
  return (
    <div class="chaos" data-testid="chaos">
      <div class="filters">
        <span>Make a stand-in misbehave, then go on as if nothing had happened.</span>
        <span class="pane-spacer" />
        <button type="button" class="button button-small" data-testid="heal" disabled={armed.length === 0} onClick={() => arm(null, null)}>
          Heal everything
        </button>
      </div>
      <div class="faults">
        {FAULTS.map((each) => {
          const times = armed.filter((id) => id === each.id).length;
          return (
            <button type="button" class={times ? 'fault fault-armed' : 'fault'} data-testid={`fault-${each.id}`} onClick={() => arm(each.fault, each.id)}>
              <span class="fault-title">
                {each.title}
                {times > 0 && <span class="badge">{times === 1 ? 'done' : `done ${times}×`}</span>}
              </span>
              <span class="fault-expect">{each.expect}</span>
            </button>
          );
        })}
      </div>
    </div>
  );
}
