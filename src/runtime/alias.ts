import { hash } from 'node:crypto';

/** What people type: four characters of base32 over the session's id, one more for each clash in the team. */
export async function named<T extends { is: string }>(sid: string, take: (alias: string) => Promise<T>): Promise<{ alias: string; answer: T }> {
  const bytes = hash('sha256', sid, 'buffer');
  for (let length = 4; length <= bytes.length; length++) {
    const alias = `e-${Array.from(bytes.subarray(0, length), (b) => '0123456789abcdefghjkmnpqrstvwxyz'[b % 32]).join('')}`;
    const answer = await take(alias);
    if (answer.is !== 'TAKEN') return { alias, answer };
  }
  throw new Error(`no alias is free for ${sid}`);
}
