import { useState } from 'preact/hooks';
import type { Chaos as Deed, Fault } from '../../control-types.ts';
import { chaos, fault } from '../data/client.ts';
import { DEEDS, FAULTS } from '../data/faults.ts';
import { useBehind } from '../data/use-behind.ts';
import { usePage } from './page-context.ts';

/** Breaks things on purpose. Each says what should happen, so that one can check it. */
export function Chaos({ say }: { say: (trouble: string) => void }) {
  const { snapshot } = usePage();
  const behind = useBehind(snapshot.version);
  const [armed, setArmed] = useState<string[]>([]);
  const [doing, setDoing] = useState<string | null>(null);
  const [done, setDone] = useState('');
  const failed = (error: unknown) => say(error instanceof Error ? error.message : String(error));
  const arm = (what: Fault | null, id: string | null) => {
    fault(what)
      .then(() => setArmed((before) => (id === null ? [] : [...before, id])))
      .catch(failed);
  };
  const wreak = (what: Deed, id: string) => {
    setDoing(id);
    chaos(what)
      .then(setDone)
      .catch(failed)
      .finally(() => setDoing(null));
  };
  const cannot = (what: Deed) => (what.do === 'skip' ? (behind?.cannotSkip ?? null) : null);
  const open = (behind?.sessions ?? []).flatMap((session) => session.approvals.filter((each) => each.open).map((each) => ({ ...each, alias: session.alias })));
  return (
    <div class="chaos" data-testid="chaos">
      <div class="filters">
        <span role="status" data-testid="chaos-said">
          {done || 'Break something, then go on as if nothing had happened.'}
        </span>
        <span class="pane-spacer" />
        <button type="button" class="button button-small" data-testid="heal" disabled={armed.length === 0} onClick={() => arm(null, null)}>
          Heal everything
        </button>
      </div>
      <div class="faults">
        {DEEDS.map((each) => (
          <button
            type="button"
            class="fault fault-real"
            data-testid={`chaos-${each.id}`}
            disabled={doing !== null || cannot(each.deed) !== null}
            onClick={() => wreak(each.deed, each.id)}
          >
            <span class="fault-title">
              {each.title}
              {doing === each.id && <span class="badge">working…</span>}
            </span>
            <span class="fault-expect">{cannot(each.deed) ?? each.expect}</span>
          </button>
        ))}
        {open.map((each) => (
          <button
            type="button"
            class="fault fault-real"
            key={each.id}
            data-testid="chaos-expire"
            disabled={doing !== null}
            onClick={() => wreak({ do: 'expire', approval: each.id }, each.id)}
          >
            <span class="fault-title">Expire an approval</span>
            <span class="fault-expect">
              {each.alias}: “{each.summary}” is over now. Its buttons go, a click on an old screen does nothing, and the model is told.
            </span>
          </button>
        ))}
        {behind && open.length === 0 && (
          <button type="button" class="fault fault-real" data-testid="chaos-no-expire" disabled>
            <span class="fault-title">Expire an approval</span>
            <span class="fault-expect">None is open now. Ask for an experiment first.</span>
          </button>
        )}
        {FAULTS.map((each) => {
          const times = armed.filter((id) => id === each.id).length;
          return (
            <button type="button" class={times ? 'fault fault-armed' : 'fault'} data-testid={`fault-${each.id}`} onClick={() => arm(each.fault, each.id)}>
              <span class="fault-title">
                {each.title}
                {times > 0 && <span class="badge">{times === 1 ? 'armed' : `armed ${times}×`}</span>}
              </span>
              <span class="fault-expect">{each.expect}</span>
            </button>
          );
        })}
      </div>
    </div>
  );
}
