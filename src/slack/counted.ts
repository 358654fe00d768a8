import type { ReceiverEvent } from '@slack/bolt';
import type { People } from '../runtime/people.ts';

/** Is told of each delivery how long it waited for its acknowledgement; false: it was left to Slack to send again. */
export type Acked = (kind: string, ms: number, ok: boolean) => void;

/**
 * Whoever sent this waits until it is handled, as acknowledging is the last thing that is done. Only what is known to be Slack's gets so far: what anybody may send must
 * not hold up work.
 */
export function counted(
  { people, acked }: { people: People; acked: Acked },
  handle: (event: ReceiverEvent) => Promise<void>,
): (event: ReceiverEvent) => Promise<void> {
  return async (event) => {
    const began = performance.now();
    const leaves = people.comes();
    let ok = false;
    try {
      await handle(event);
      ok = true;
    } finally {
      leaves();
      acked(kindOf(event.body), performance.now() - began, ok);
    }
  };
}

function kindOf(body: ReceiverEvent['body']): string {
  if ('command' in body) return 'command';
  return body['type'] === 'event_callback' ? 'event' : String(body['type']);
}
