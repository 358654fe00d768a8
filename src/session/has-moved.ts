import type { Preview } from './events.ts';

/** Why a yes does not hold for what a call would act on now; null where it does. It was for what people were shown: the same bytes mean something else to a target that has been changed. */
export function hasMoved(shown: Preview | undefined, now: Preview): string | null {
  if (!shown) return null;
  if (shown.environment !== now.environment)
    return `What it acts on belonged to ${shown.environment ?? 'no environment'} when it was approved and belongs to ${now.environment ?? 'none'} now.`;
  return shown.target !== undefined && shown.target !== now.target ? 'What it acts on has been changed since it was approved; this is how it is now.' : null;
}
