import type { SessionEvent } from '../session/events.ts';

/** What the script must know of an event beside its line: call, the approval it is about, what the watcher waits for, the digest of the arguments. */
export function lineFacts(event: SessionEvent): [string, string, string, string] {
  if (event.type === 'call_parked') {
    const { waiting } = event;
    if (waiting.for === 'approval') return [event.call, waiting.approval, '', waiting.digest];
    const waits =
      waiting.for === 'job' ? JSON.stringify({ run_ids: waiting.run_ids, until: waiting.until, conditions: waiting.conditions, metric: waiting.metric }) : '';
    return [event.call, '', waits, ''];
  }
  if (event.type === 'withdrawn') return [event.call, event.approval, '', ''];
  return ['call' in event && event.call ? event.call : '', '', '', event.type === 'call_started' ? event.digest : ''];
}
