import type { Session } from './state.ts';

/** Whether all that came of it is words where they are read anyway: thanks in a thread, a question answered in direct messages. No list needs it. */
export function isTalk({ opened, calls, ended }: Session): boolean {
  return (opened.after !== undefined || opened.door === 'direct') && calls.size === 0 && ended?.outcome === 'done';
}
