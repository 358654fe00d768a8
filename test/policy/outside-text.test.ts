import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { Passage, Rich } from '../../src/policy/inline-words.ts';
import { richWords } from '../../src/policy/model-words.ts';
import { cut, lookAlikes, mrkdwn, named, plain, shortened, unescaped, visible } from '../../src/policy/outside-text.ts';
import { refuseBlocks } from '../../src/sandbox/slack/validate-blocks.ts';

/** What an emoji is told by, where it has one before it (and after it, where two are joined). */
const IN_EMOJI =
  /(?<=\p{Extended_Pictographic}|[\d#*](?=\uFE0F\u20E3))\uFE0F|(?<=\p{Extended_Pictographic}[\uFE0F\p{Emoji_Modifier}]?)\u200D(?=\p{Extended_Pictographic})/gu;

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
    ['⚖️ and ❤️❤️', '⚖️ and ❤️❤️'],
    ['👩‍🔬 👩🏽‍🔬👩‍🔬 🏳️‍🌈 1️⃣ ⚖', '👩‍🔬 👩🏽‍🔬👩‍🔬 🏳️‍🌈 1️⃣ ⚖'],
    ['a\uFE0F b\u200Dc 1\uFE0F', 'a\\u{FE0F} b\\u{200D}c 1\\u{FE0F}'],
    ['👩\u200Da', '👩\\u{200D}a'],
    ['😀\u200D\u200D😀', '😀\\u{200D}\\u{200D}😀'],
    ['⚖\uFE0F\uFE0F\u200D', '⚖️\\u{FE0F}\\u{200D}'],
    ['🏴\u{E0073}\u{E0061}\u{E0079}\u{E007F}', '🏴\\u{E0073}\\u{E0061}\\u{E0079}\\u{E007F}'],
  ])('%j is shown as %j', (text, seen) => {
    expect(plain(text)).toBe(seen);
  });

  test('nothing invisible and no bracket is left of any text, and the rest is kept', () => {
    fc.assert(
      fc.property(
        fc.oneof(fc.string({ unit: 'binary' }), fc.string({ unit: fc.constantFrom(...'a1👩🔬🏴⚖🏽\uFE0F\u200D\u20E3\u{E0067}\u{E007F}') })),
        (text) => {
          const safe = plain(text);
          expect(safe.replace(IN_EMOJI, '')).not.toMatch(/[<>]|\p{Cf}|\p{Cs}|\p{Default_Ignorable_Code_Point}/u);
          expect(visible(safe)).toBe(safe);
          expect(unescaped(safe)).toBe(visible(text));
          expect(mrkdwn(text)).not.toMatch(/[<>`]/);
        },
      ),
    );
  });

  test('cutting leaves no half character and no half entity, and says how much is gone', () => {
    expect(cut('a&amp;b', 4)).toBe('a');
    expect(cut('ab😀', 3)).toBe('ab');
    expect(cut('a👩‍🔬', 4)).toBe('a👩');
    expect(cut('a👩‍🔬', 5)).toBe('a👩');
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

/** Passages as one reads them: *bold*, /italic/, ‹code›, [name→address], a letter for what kind each is. */
function read(passages: readonly Passage[]): string[] {
  const piece = ({ text, url, style }: Rich): string => {
    const { bold, italic, strike, code } = (style ?? {}) as Record<string, true>;
    const marked = strike ? `-${text}-` : code ? `‹${text}›` : italic ? `/${text}/` : bold ? `*${text}*` : String(text);
    return url === undefined ? marked : `[${text}→${url}]`;
  };
  const inside = ({ elements }: Rich): string => ((elements ?? []) as Passage[]).map((e) => (e.elements ? inside(e) : piece(e))).join('');
  return passages.map((p) =>
    p.type === 'rich_text_list'
      ? `${p['style']}${p['indent']}${p['offset'] ? `+${p['offset']}` : ''}: ${p.elements.map(inside).join(' | ')}`
      : `${p.type.slice(10)}: ${inside(p)}`,
  );
}

/** A table that would grow to many times its size when its columns are made of one width. */
const UNEVEN = `${'|a'.repeat(8)}|\n${'|-'.repeat(8)}|\n${`|${'x'.repeat(40)}`.repeat(8)}|\n${`${'|1'.repeat(8)}|\n`.repeat(60)}`;

describe("a model's words", () => {
  const RUN = 'https://mlflow.example/#/runs/8f2a';
  const known = new Map([[RUN, 'run 8f2a']]);

  test.each<[string, string[]]>([
    ['val_f1 rose, **by 2.8 %**, with `feature_set=v2`', ['section: val_f1 rose, *by 2.8 %*, with ‹feature_set=v2›']],
    [
      'Figures:\n\n- val_f1: *0.73*\n- loss\n  - train\n\nThat is all.',
      ['section: Figures:', 'bullet0: val_f1: /0.73/ | loss', 'bullet1: train', 'section: That is all.'],
    ],
    ['1. train\n2. compare\n\n3. post', ['ordered0: train | compare | post']],
    ['## What came of it\nMore.\n\nAnd more.', ['section: *What came of it*', 'section: More.\n\nAnd more.']],
    ['```json\n{"lr": 0.1}\n```\n> as said', ['preformatted: {"lr": 0.1}', 'quote: as said']],
    ['| run | f1 |\n| --- | ---: |\n| a | 0.7123 |\n| best-one | 0.73 |', ['preformatted: run       f1\na         0.7123\nbest-one  0.73']],
    [
      `New run: ${RUN}, [the baseline](${RUN}), [see](https://evil.example/a)`,
      [`section: New run: [8f2a→${RUN}], [the baseline→${RUN}], see (https://evil.example/a)`],
    ],
    [`Still running: run 8f2a (${RUN}). Cancel it.`, [`section: Still running: run [8f2a→${RUN}]. Cancel it.`]],
    [`Run 8f2ac1: SUCCEEDED ${RUN}, run 8f2a ${RUN}`, [`section: Run [8f2ac1→${RUN}]: SUCCEEDED, run [8f2a→${RUN}]`]],
    [`Best val_f1: 0.7, run 8f2ac1 (v1), best of 41. ${RUN}`, [`section: Best val_f1: 0.7, run [8f2ac1→${RUN}] (v1), best of 41.`]],
    [`Run 8f2a is at ${RUN}, not 18f2a ${RUN}`, [`section: Run 8f2a is at [run 8f2a→${RUN}], not 18f2a [run 8f2a→${RUN}]`]],
    [`[https://bank.example](${RUN})`, [`section: [run 8f2a→${RUN}]`]],
    ['learning_rate * 2 * 3, __init__, 2*3*4, a\\_b', ['section: learning_rate * 2 * 3, __init__, 2*3*4, a_b']],
    ['```\nnever closed', ['preformatted: never closed']],
    ['<!channel> **<@U1>**', ['section: &lt;!channel&gt; **&lt;@U1&gt;**']],
    [
      '1. train\n   - v1\n   - v2\n2. compare\n   ```\n   f1\n   ```\n3. [x] post ~~now~~',
      ['ordered0: train', 'bullet1: v1 | v2', 'ordered0+1: compare', 'preformatted: f1', 'ordered0+2: ☑ post -now-'],
    ],
    ['~5 % to ~6 %<br>&amp; ![curve](https://a.b/c.png)', ['section: ~5 % to ~6 %&lt;br&gt;&amp;amp; curve (https://a.b/c.png)']],
    ['> - a\n> - b\n>\n> so', ['quote: • a\n• b\nso']],
    ['----------\n**so**\n```\n+---------+\n```', ['section: ───\n\n*so*', 'preformatted: +---------+']],
    [`${RUN}c1 is not ${RUN}, nor ${RUN}/x`, [`section: ${RUN}c1 is not [run 8f2a→${RUN}], nor ${RUN}/x`]],
    [UNEVEN, [`section: ${UNEVEN}`]],
    ['> '.repeat(9), [`section: ${'&gt; '.repeat(9)}`]],
    ['', ['section:  ']],
    ['- x\n'.repeat(400), [`section: ${'- x\n'.repeat(400)}`]],
  ])('%j', (words, shown) => {
    expect(read(richWords(words, known))).toEqual(shown);
  });

  test('of any kind become elements that Slack takes, soon, and no word is lost', () => {
    const marks = fc.constantFrom(
      '*',
      '**',
      '`',
      '```',
      '\n',
      '- ',
      '1. ',
      '> ',
      '# ',
      '|',
      '| --- |',
      '[',
      '](https://a.b)',
      '<!here>',
      ' ',
      'two words',
      '\u202E',
    );
    fc.assert(
      fc.property(
        fc.array(marks, { maxLength: 60 }).map((parts) => parts.join('')),
        (words) => {
          const passages = richWords(words);
          expect(refuseBlocks([{ type: 'rich_text', elements: passages }])).toBeNull();
          const count = (text: string) => text.split('word').length;
          expect(count(JSON.stringify(passages))).toBe(count(words));
        },
      ),
    );
    const began = performance.now();
    for (const mark of ['[', '**a ', '# ', '*', '| ', '`', '> ', '\t', `-${' '.repeat(400)}`, '\n  - a', '![[']) richWords(mark.repeat(14_000 / mark.length));
    richWords(`${`-${' '.repeat(50)}`.repeat(8)}x`);
    expect(performance.now() - began).toBeLessThan(1_500);
  });
});
