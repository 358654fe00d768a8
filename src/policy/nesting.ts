/** No tool takes anything near this; whoever writes what is deeper by recursion falls over it. */
export const DEEPEST_ARGUMENTS = 100;

/** Whether a value is nested more than `most` levels deep. Counted without recursion, as what it is to find would overrun the stack. */
export function isNestedDeeperThan(most: number, value: unknown): boolean {
  let level: unknown[] = [value];
  for (let depth = 0; level.length > 0; depth++) {
    if (depth > most) return true;
    level = level.flatMap((v) => (typeof v === 'object' && v !== null ? Object.values(v) : []));
  }
  return false;
}
