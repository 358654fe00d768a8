import { isStoreAway } from '../runtime/store-away.ts';
import { NewerRecord } from '../session/record-version.ts';

const TROUBLE = 'Something went wrong here, and it is logged. Please try again.';
const NEWER = 'A newer version of me began this and is not here at the moment, so nothing was done. Please try again in a few minutes.';
/** It may have happened before or after something was stored. */
const AWAY = 'My memory does not answer at the moment. Look here again in a minute, and repeat this if nothing has come of it.';

/** What somebody who waits is told of an error that was not planned for. */
export function trouble(error: unknown): string {
  if (error instanceof NewerRecord) return NEWER;
  return isStoreAway(error) ? AWAY : TROUBLE;
}
