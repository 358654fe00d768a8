import type { SlackService } from '../services/slack.ts';
import type { Check } from './health.ts';

/** Probes come every few seconds, from each process; Slack counts what it is asked. */
const GOOD_FOR_MS = 30_000;

/** Whether Slack answers and takes our token. A yes is good for half a minute, anything else is asked again. */
export function slackCheck(slack: Pick<SlackService, 'self'>): Check {
  let good = 0;
  let asking: Promise<string | null> | null = null;
  const ask = async () => {
    try {
      await slack.self();
      good = performance.now() + GOOD_FOR_MS;
      return null;
    } catch (error) {
      return error instanceof Error ? error.message : String(error);
    } finally {
      asking = null;
    }
  };
  return () => {
    const old = performance.now() - good;
    if (old < 0) return null;
    asking ??= ask();
    // Asked anew beside a yes that is still fresh enough: a Slack that takes its time is no Slack that is away.
    return old < GOOD_FOR_MS ? Promise.race([asking, soon(null)]) : asking;
  };
}

const SOON_MS = 500;
function soon<T>(value: T): Promise<T> {
  return new Promise((resolve) => setTimeout(resolve, SOON_MS, value).unref());
}
