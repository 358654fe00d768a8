import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { cut, lookAlikes, mrkdwn, named, plain, shortened, unescaped, visible } from '../../src/policy/outside-text.ts';

describe('text from outside', () => {
  test.each([
    ['<!channel> & <@U1>', '&lt;!channel&gt; &amp; &lt;@U1&gt;'],
    ['a\u200Bb', 'a\\u{200B}b'],
    ['\u202Etxt.exe', '\\u{202E}txt.exe'],
    ['\u{E0041}tag', '\\u{E0041}tag'],
    ['fill\u3164er\u2800', 'fill\\u{3164}er\\u{2800}'],
    ['line\u2028sep', 'line\\u{2028}sep'],
    ['\uD83D alone', '\\u{D83D} alone'],
    ['bell\u0007 esc\u001B[31m', 'bell\\u{7} esc\\u{1B}[31m'],
    ['windows\r\nline\ttab', 'windows\nline\ttab'],
    ['naïve 日本語 😀', 'naïve 日本語 😀'],
  ])('%j is shown as %j', (text, seen) => {
    expect(plain(text)).toBe(seen);
  });

  test('nothing invisible and no bracket is left of any text, and the rest is kept', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), (text) => {
        const safe = plain(text);
        expect(safe).not.toMatch(/[<>]|\p{Cf}|\p{Cs}|\p{Default_Ignorable_Code_Point}/u);
        expect(visible(safe)).toBe(safe);
        expect(unescaped(safe)).toBe(visible(text));
        expect(mrkdwn(text)).not.toMatch(/[<>`]/);
      }),
    );
  });

  test('cutting leaves no half character and no half entity, and says how much is gone', () => {
    expect(cut('a&amp;b', 4)).toBe('a');
    expect(cut('ab😀', 3)).toBe('ab');
    expect(shortened('x'.repeat(500), 100)).toMatch(/^x{68}… \(432 more characters\)$/);
    fc.assert(
      fc.property(fc.string({ unit: 'binary', maxLength: 300 }), fc.integer({ min: 1, max: 200 }), (text, max) => {
        const short = shortened(plain(text), max);
        expect(short.length).toBeLessThanOrEqual(max);
        expect(short).not.toMatch(/&(?!amp;|lt;|gt;)|[<>]/);
      }),
    );
  });

  test('words that mix alphabets are named', () => {
    expect(lookAlikes('run аds-train on main, привет, αβγ')).toEqual(['аds-train']);
  });
});

test('references are read as names', () => {
  expect(named('post to <#C0ML|ml-experiments>, ask <@U1|priya> or <@U2>, see <https://x.example/a?b|here>')).toBe(
    'post to #ml-experiments, ask @priya or @U2, see https://x.example/a?b',
  );
  expect(named('<!channel> a < b > c')).toBe('<!channel> a < b > c');
});
