import type { SlackService } from '../services/slack.ts';
import { within } from '../within.ts';
import type { Check } from './health.ts';

/** Probes come every few seconds, from each process; Slack counts what it is asked. */
const GOOD_FOR_MS = 30_000;
/** So long a probe waits for a new answer while the last one was a yes: a Slack that takes its time is no Slack that is away. */
const PATIENCE_MS = 500;

/** Whether Slack answers and takes our token. A yes is good for half a minute and for as long again while it is asked anew; anything else is asked again at once. */
export function slackCheck(slack: Pick<SlackService, 'self'>, now = () => performance.now()): Check {
  let saidYes = Number.NEGATIVE_INFINITY;
  let asking: Promise<string | null> | null = null;
  const ask = async () => {
    try {
      await slack.self();
      saidYes = now();
      return null;
    } catch (error) {
      saidYes = Number.NEGATIVE_INFINITY;
      return error instanceof Error ? error.message : String(error);
    } finally {
      asking = null;
    }
  };
  return () => {
    const age = now() - saidYes;
    if (age < GOOD_FOR_MS) return null;
    asking ??= ask();
    if (age > 2 * GOOD_FOR_MS) return asking;
    return within(PATIENCE_MS, asking, () => null);
  };
}
