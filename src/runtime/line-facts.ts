import type { SessionEvent } from '../session/events.ts';
import type { Guard } from './event-log.ts';

/**
 * What the script must know of an event beside its line, one a line: call, the approval it is about, the digest of the arguments, what the watcher waits for.
 * Empty where it need not know any of it.
 */
export function lineFacts(event: SessionEvent): string {
  const told = (call: string, approval = '', digest = '', waits = '') => [call, approval, digest, waits].join('\n');
  switch (event.type) {
    case 'call_parked': {
      const { waiting } = event;
      if (waiting.for === 'approval') return told(event.call, waiting.approval, waiting.digest);
      if (waiting.for !== 'job') return told(event.call);
      const { run_ids, until, conditions, metric } = waiting;
      return told(event.call, '', '', JSON.stringify({ run_ids, until, conditions, metric }));
    }
    case 'withdrawn':
      return told(event.call, event.approval);
    case 'call_started':
      return told(event.call, '', event.digest);
    case 'call_finished':
    case 'refused':
      return told(event.call);
    default:
      return '';
  }
}

/** The guard as the script reads it. */
export function guardText(guard: Guard): string {
  if (guard.is === '') return '';
  if (guard.is === 'quiet') return `quiet ${guard.seen}`;
  return `${guard.is} ${guard.executionExpiresMs} ${guard.approval ?? ''}`.trimEnd();
}

/** How many keys, in the order of lib.lua, a commit of these events needs. */
export function keysNeeded(events: readonly SessionEvent[], guard: Guard): number {
  if (events.some((e) => e.type === 'ended')) return 8;
  const gated = (guard.is === 'effect' || guard.is === 'cancel') && guard.approval !== undefined;
  const asks = events.some((e) => e.type === 'withdrawn' || (e.type === 'call_parked' && e.waiting.for === 'approval'));
  return gated || asks ? 5 : 4;
}
