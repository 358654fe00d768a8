import { useState } from 'preact/hooks';
import type { SessionLook, SessionRecord } from '../../control-types.ts';
import { linesOf, sessionShown } from '../data/record.ts';
import { useBehind, useRecord } from '../data/use-behind.ts';
import { useTraffic } from '../data/use-traffic.ts';
import { ApprovalList } from './approval-list.tsx';
import { EventList } from './event-list.tsx';
import { ModelSaw } from './model-saw.tsx';
import { usePage } from './page-context.ts';

type View = 'events' | 'approvals' | 'model';

/** What labmate itself remembers: every session's log, the questions it asked, and what the model was given. */
export function SessionsPane() {
  const { snapshot, place } = usePage();
  const behind = useBehind(snapshot.version);
  const [picked, setPicked] = useState<string | null>(null);
  const [view, setView] = useState<View>('events');
  const [reply, setReply] = useState<string | null>(null);
  const sessions = behind?.sessions ?? [];
  const shown = sessionShown(sessions, picked, place);
  const record = useRecord(shown?.id ?? null, snapshot.version);
  const traffic = useTraffic(snapshot.version);
  const lines = linesOf(record?.lines ?? []);

  if (!behind) return <p class="empty">Looking into Redis…</p>;
  if (!shown) return <p class="empty">No session yet. Ask for an experiment, and its log grows here, line by line.</p>;
  const tab = (name: View, label: string) => (
    <button
      type="button"
      role="tab"
      aria-selected={view === name}
      class={view === name ? 'subtab subtab-on' : 'subtab'}
      data-testid={`view-${name}`}
      onClick={() => setView(name)}
    >
      {label}
    </button>
  );
  return (
    <div class="sessions" data-testid="sessions">
      <nav class="session-list" aria-label="Sessions">
        {sessions.map((each) => (
          <SessionItem key={each.id} session={each} on={each.id === shown.id} onPick={() => setPicked(each.id)} />
        ))}
      </nav>
      <section class="session" data-testid="session" data-session={shown.id} aria-label={`Session ${shown.alias}`}>
        <div class="session-head" role="tablist">
          {tab('events', `Events ${lines.length || ''}`)}
          {tab('approvals', `Approvals ${shown.approvals.length || ''}`)}
          {tab('model', 'What the model saw')}
          <span class="pane-spacer" />
          {record && <Chain record={record} />}
        </div>
        <div class="session-body">
          {view === 'events' && (
            <EventList
              lines={lines}
              onModel={(requestId) => {
                setReply(requestId);
                setView('model');
              }}
            />
          )}
          {view === 'approvals' && <ApprovalList approvals={shown.approvals} />}
          {view === 'model' && <ModelSaw lines={lines} traffic={traffic} reply={reply} onReply={setReply} />}
        </div>
      </section>
    </div>
  );
}

function SessionItem({ session, on, onPick }: { session: SessionLook; on: boolean; onPick: () => void }) {
  const page = usePage();
  const open = session.approvals.filter((each) => each.open).length;
  return (
    <button
      type="button"
      class={on ? 'session-item session-item-on' : 'session-item'}
      aria-current={on}
      data-testid="session-item"
      data-alias={session.alias}
      onClick={onPick}
    >
      <span class="session-title">
        <code>{session.alias}</code>
        <span class={`state${session.ended ? ' state-ended' : open > 0 ? ' state-waits' : ''}`}>{session.state}</span>
      </span>
      <span class="session-prompt">
        {page.user(session.by)?.realName ?? session.by}: {session.prompt}
      </span>
    </button>
  );
}

/** Whether the chain of hashes holds, checked by the same code as `labmate verify`. */
function Chain({ record }: { record: SessionRecord }) {
  if (record.holds !== null)
    return (
      <span class="chain chain-broken" data-testid="chain">
        ✕ broken at {record.holds}
      </span>
    );
  return (
    <span class="chain" data-testid="chain" title={`head ${record.head}`}>
      ✓ {record.lines.length} lines, chain holds, head <code>{record.head.slice(0, 8)}</code>
    </span>
  );
}
