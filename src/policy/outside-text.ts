/**
 * What text from outside may look like where people read it. Outside is everything that is not a sentence of ours: tool results, the model's words,
 * names, prompts, error messages. It never makes a mention, a link or a control, and nothing in it is invisible.
 */

/**
 * Either an emoji, whose colour, skin and profession are told by characters that alone cannot be seen, or a character that nobody can see, or that changes how its
 * neighbours read: format and bidi marks, controls, fillers, separators, broken surrogates.
 */
const emojiOrUnseen =
  /([\d#*]\uFE0F\u20E3|\p{Extended_Pictographic}[\uFE0F\p{Emoji_Modifier}]?(?:\u200D\p{Extended_Pictographic}[\uFE0F\p{Emoji_Modifier}]?)*)|[\p{Cf}\p{Cs}\p{Co}\p{Zl}\p{Zp}\p{Default_Ignorable_Code_Point}\u2800]|(?![\n\t])\p{Cc}/gu;

/** Most text: nothing in it needs a look, and looking is slow. */
const ordinary = /^[\n\t\x20-\x7e]*$/;

/** Shows what cannot be seen as \u{...}, and keeps everything else to the letter, emoji too. */
export function visible(text: string): string {
  if (ordinary.test(text)) return text;
  return text.replace(/\r\n/g, '\n').replace(emojiOrUnseen, (c, emoji?: string) => emoji ?? `\\u{${(c.codePointAt(0) ?? 0).toString(16).toUpperCase()}}`);
}

/** Line ends as Slack's own inputs send them. */
export function unixLines(text: string): string {
  return text.replace(/\r\n?/g, '\n');
}

/** For a Slack text element: visible, and `& < >` escaped, so that `<!channel>` is four letters and some brackets. */
export function plain(text: string): string {
  return escaped(visible(text));
}

/** For a place where Slack formats: as `plain`, and a backtick can neither open nor close a fence. */
export function mrkdwn(text: string): string {
  return plain(text.replaceAll('`', "'"));
}

/** Slack's own references as one reads them: `<#C1|ads>` is #ads, `<@U1>` is @U1. Names, not mentions: nobody is notified. */
export function named(text: string): string {
  return text
    .replace(/<([@#])([A-Z0-9]+)(?:\|([^<>|]*))?>/g, (_, mark: string, id: string, name?: string) => `${mark}${name || id}`)
    .replace(/<(https?:\/\/[^<>|\s]+)(?:\|[^<>]*)?>/g, '$1');
}

/** Takes `plain` back: what a reader sees. */
export function unescaped(text: string): string {
  return text.replace(/&(amp|lt|gt);/g, (_, name: 'amp' | 'lt' | 'gt') => ({ amp: '&', lt: '<', gt: '>' })[name]);
}

/** The first `max` UTF-16 units, without half a character at the end. */
export function beginning(text: string, max: number): string {
  return text.length <= max ? text : text.slice(0, Math.max(0, max)).replace(/\u200D?[\uD800-\uDBFF]?$/, '');
}

/** The same of escaped text: it leaves no half entity behind either. */
export function cut(text: string, max: number): string {
  return text.length <= max ? text : beginning(text, max).replace(/&[a-z]{0,3}$/, '');
}

/** As `cut`, and says how much is left out. */
export function shortened(text: string, max: number): string {
  if (text.length <= max) return text;
  if (max < 60) return `${cut(text, max - 1)}…`;
  const head = cut(text, max - 32);
  return `${head}… (${text.length - head.length} more characters)`;
}

const alikeScripts = /[\p{Script=Cyrillic}\p{Script=Greek}\p{Script=Armenian}\p{Script=Cherokee}]/u;

/** Words that mix Latin letters with look-alikes of another alphabet: `аds` with a Cyrillic first letter. */
export function lookAlikes(text: string): string[] {
  if (ordinary.test(text) || !alikeScripts.test(text)) return [];
  const words = text.match(/[\p{L}\p{N}_-]+/gu) ?? [];
  return [...new Set(words.filter((w) => /\p{Script=Latin}/u.test(w) && alikeScripts.test(w)))];
}

function escaped(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;');
}
