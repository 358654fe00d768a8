const AND = new Intl.ListFormat('en-GB', { type: 'conjunction' });
const OR = new Intl.ListFormat('en-GB', { type: 'disjunction' });

/** "a, b and c", or with "or" before the last. */
export function listed(words: readonly string[], last: 'and' | 'or' = 'and'): string {
  return (last === 'and' ? AND : OR).format(words);
}
