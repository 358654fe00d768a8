import { setTimeout as sleep } from 'node:timers/promises';
import type { Fault } from '../control-types.ts';
import type { Answered } from '../stand-in.ts';
import type { Json } from './world.ts';

export type SlackFault = Extract<Fault, { target: 'slack' }>;

export type SlackFaults = {
  add(fault: SlackFault): void;
  heal(): void;
  /** Lets one call go through what is wrong just now. */
  around(method: string, args: Json, call: () => Answered): Promise<Answered>;
};

/** How the Web API misbehaves: by method, by channel, a number of times or until healed. */
export function createSlackFaults(): SlackFaults {
  let faults: SlackFault[] = [];

  function take(method: string, args: Json): SlackFault | null {
    const channel = args['channel'] ?? args['channel_id'];
    const fault = faults.find((f) => (f.method ?? method) === method && (f.channel ?? channel) === channel) ?? null;
    if (fault?.times !== undefined && --fault.times <= 0) faults = faults.filter((f) => f !== fault);
    return fault;
  }

  return {
    add(fault) {
      faults.push({ ...fault });
    },
    heal() {
      faults = [];
    },
    async around(method, args, call) {
      const fault = take(method, args);
      if (!fault) return call();
      if (fault.kind === 'rate-limit') {
        const seconds = Math.max(1, Math.ceil((fault.ms ?? 1000) / 1000));
        return { status: 429, headers: { 'retry-after': String(seconds) }, body: { ok: false, error: 'ratelimited' } };
      }
      if (fault.kind === 'error-500') return { status: 500, type: 'text/html', body: '<html>Server Error</html>' };
      // A workspace that is older than the method, or has not been given it.
      if (fault.kind === 'unknown-method') return { body: { ok: false, error: 'unknown_method', req_method: method } };
      if (fault.kind === 'slow') {
        await sleep(fault.ms ?? 5000);
        return call();
      }
      const answer = call();
      if (fault.kind !== 'lost-reply') return answer;
      return { ...answer, stream: (response) => void response.destroy() };
    },
  };
}
