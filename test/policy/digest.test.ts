import { expect, test } from 'vitest';
import { canonicalJson, digestOf, effectKey } from '../../src/policy/digest.ts';
import { scrubber, scrubDeep } from '../../src/policy/secrets.ts';

test('canonical JSON is that of RFC 8785, section 3.2', () => {
  // The example of the RFC: its input and its output.
  const value = {
    // biome-ignore lint/correctness/noPrecisionLoss: the RFC chose it for that
    numbers: [333333333.33333329, 1e30, 4.5, 2e-3, 0.000000000000000000000000001],
    string: '\u20ac$\u000f\u000aA\'\u0042\u0022\u005c\\"/',
    literals: [null, true, false],
  };
  expect(canonicalJson(value)).toBe(
    '{"literals":[null,true,false],"numbers":[333333333.3333333,1e+30,4.5,0.002,1e-27],"string":"€$\\u000f\\nA\'B\\"\\\\\\\\\\"/"}',
  );
});

test('keys are sorted by UTF-16 code units', () => {
  expect(canonicalJson({ '\ud83d\ude00': 1, '\ufb33': 2, a: 3, '1': 4 })).toBe('{"1":4,"a":3,"\ud83d\ude00":1,"\ufb33":2}');
});

test.each([[Number.NaN], [Number.POSITIVE_INFINITY], ['\ud800'], [() => 1]])('%s has no canonical form', (value) => {
  expect(() => canonicalJson({ value })).toThrow(/canonical form/);
});

test('the digest is the same for the same bytes only', () => {
  const digest = digestOf('run_databricks_job', { job_id: '101', parameters: { b: '2', a: '1' } });
  expect(digest).toBe(digestOf('run_databricks_job', { parameters: { a: '1', b: '2' }, job_id: '101' }));
  expect(digest).not.toBe(digestOf('run_databricks_job', { parameters: { a: '1', b: '3' }, job_id: '101' }));
  expect(digest).not.toBe(digestOf('cancel_job_run', { job_id: '101', parameters: { b: '2', a: '1' } }));
});

test('an effect key fits into Databricks 64 characters and names session and call', () => {
  expect(effectKey('s', 'c')).toMatch(/^[0-9a-f]{64}$/);
  expect(effectKey('s', 'c')).not.toBe(effectKey('s', 'd'));
});

test('known secrets go in every common encoding, everything else stays byte for byte', () => {
  const secret = 'dapi-1234567890/+"x';
  const scrub = scrubber([secret, 'short']);
  const hidden = [
    secret,
    Buffer.from(secret).toString('base64'),
    Buffer.from(secret).toString('hex'),
    encodeURIComponent(secret),
    Buffer.from(secret).toString('base64url'),
  ];
  const clean = scrubDeep({ a: hidden.map((h) => `see ${h}!`), [secret]: 'short stays' }, scrub);
  expect(JSON.stringify(clean)).toBe(JSON.stringify({ a: hidden.map(() => 'see [secret removed]!'), '[secret removed]': 'short stays' }));
});
