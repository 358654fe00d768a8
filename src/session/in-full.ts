import type { Approval } from './state.ts';

/** Arguments longer than this (in characters) cannot be shown whole even in the dialog, so nobody can approve them. */
export const MOST_ARGUMENTS = 60_000;

/** Every argument, one a line, as it will be sent. */
export function argumentsInFull(a: Pick<Approval, 'arguments'>): string {
  return JSON.stringify(a.arguments, null, 2);
}

/** Can people be shown all of what a yes would send? */
export function isShownWhole(a: Pick<Approval, 'arguments'>): boolean {
  return argumentsInFull(a).length <= MOST_ARGUMENTS;
}
