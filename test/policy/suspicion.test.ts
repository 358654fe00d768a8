import fc from 'fast-check';
import { expect, test } from 'vitest';
import { masked, scrubber, scrubDeep, suspicion } from '../../src/policy/secrets.ts';

const SECRETS = ['k"y\\with/odd&<chars>é', 'sandbox-signing-secret', 'dapi0123456789abcdef0123456789abcdef'];
const scrub = scrubber(SECRETS);
const clean = (text: string) => masked(scrub(text));
const suspect = suspicion(SECRETS);

/** A secret as somebody might pass it on. */
const forms = SECRETS.flatMap((secret) => [
  secret,
  encodeURIComponent(secret),
  Buffer.from(secret).toString('hex'),
  Buffer.from(`user:${secret}`).toString('base64'),
  JSON.stringify(secret),
]);
const hidden = fc
  .tuple(fc.string(), fc.constantFrom(...forms, 'ghp_0123456789abcdefghijABCDEFGHIJ', 'xoxb-123456789012-abcdefgh', 'plain'), fc.string())
  .map((parts) => parts.join(' '));

test('what is not suspected holds nothing that would be cut out, whatever stands around it', () => {
  fc.assert(
    fc.property(fc.dictionary(hidden, fc.oneof(hidden, fc.array(hidden), fc.dictionary(fc.string(), hidden))), (value) => {
      if (JSON.stringify(scrubDeep(value, clean)) !== JSON.stringify(value)) expect(suspect(JSON.stringify(value))).toBe(true);
    }),
    { numRuns: 2_000 },
  );
});

test('ordinary figures are not suspected, or nothing would be gained', () => {
  expect(suspect(JSON.stringify({ run_id: '8f2a', metrics: { val_f1: 0.73 }, note: 'improved by 2.8 % over the baseline' }))).toBe(false);
});
