/** A prompt being read: every clause that is understood is taken out, so that what is left over was not understood. */
export type PromptText = {
  /** Takes the first match between two places; null where there is none. */
  take(pattern: RegExp, from?: number, to?: number): RegExpExecArray | null;
  /** Where a pattern stands, without taking it. */
  find(pattern: RegExp, from?: number, to?: number): RegExpExecArray | null;
  length: number;
  /** Words, numbers, names and quotations that no clause has taken, in their order. */
  leftovers(): string[];
};

/** Stands where a clause was, so that no later clause reaches across it. */
const TAKEN = '█';

export function promptText(text: string): PromptText {
  let rest = text;
  const find = (pattern: RegExp, from = 0, to = rest.length) => {
    const match = pattern.exec(rest.slice(from, to));
    if (match) match.index += from;
    return match;
  };
  return {
    length: text.length,
    find,
    take(pattern, from, to) {
      const match = find(pattern, from, to);
      if (match) rest = rest.slice(0, match.index) + TAKEN.repeat(match[0].length) + rest.slice(match.index + match[0].length);
      return match;
    },
    leftovers: () =>
      rest
        .split(/[\s█,;:!?()[\]{}`]+/)
        .map((word) => word.replace(/^[.'"]+(?=\D|$)|[.'"]+$/g, ''))
        .filter((word) => /[\p{L}\p{N}=#@<>%]/u.test(word) && !smallWords.has(word.toLowerCase())),
  };
}

/** Words that carry no instruction of their own. No "not", no "unless", no "only": a word that turns a sentence round must be understood. */
const smallWords = new Set(
  `a an the this that it its it's is are and then but also so please kindly hey hi hello labmate with using by for of in on to from as at me we us our i i'd
  like you could can would let's lets want need new now again there be do their them they after afterwards once when first next finally result results
  metric metrics run runs value one which has have been will same still just
  somebody someone anybody anyone`.split(/\s+/),
);

/** Straight quotes, no code marks, and channel references by their names; the length may change, the meaning does not. */
export function normalised(prompt: string): string {
  return prompt
    .replace(/[“”„«»]/g, '"')
    .replace(/[‘’]/g, "'")
    .replace(/<#[A-Z0-9]+\|([\w-]+)>/g, '#$1')
    .replace(/[`█]+/g, ' ')
    .replace(/[\u2010-\u2015]/g, '-')
    .replace(/\s+/g, ' ')
    .trim();
}
