import { nearMisses } from './analysis/near-miss.ts';

/** " (did you mean …?)", or nothing where nothing is near. */
export function didYouMean(wanted: string, names: Iterable<string>): string {
  const [first] = nearMisses(wanted, names);
  return first === undefined ? '' : ` (did you mean "${first}"?)`;
}
