/** Addresses of pages that this session's own tools have told of, each with a short name. */
export type Known = ReadonlyMap<string, string>;

/** Text taken apart at the pages that are known: each of them becomes a link with a short name, everything else stays the text it is. */
export function splitAtLinks(text: string, known: Known): { text: string; url?: string }[] {
  const at = [...known.keys()]
    .map((url) => ({ url, from: whereStands(url, text) }))
    .filter(({ from }) => from >= 0)
    // The longest first: one page's address may be another's beginning.
    .sort((a, b) => a.from - b.from || b.url.length - a.url.length)[0];
  if (!at) return text === '' ? [] : [{ text }];
  const { url, from } = at;
  const before = text.slice(0, from);
  const name = known.get(url) ?? url;
  const after = text.slice(from + url.length);
  const said = saidAlready(before, name, after);
  if (said)
    return [
      ...(said.before === '' ? [] : [{ text: said.before }]),
      { url, text: said.id },
      ...splitAtLinks(said.between + after.slice(said.closed ? 1 : 0), known),
    ];
  return [...(before === '' ? [] : [{ text: before }]), { url, text: nameAfter(before, name) }, ...splitAtLinks(after, known)];
}

/** Where an address stands as a whole, not as the beginning of another page's: pull/7 is not in pull/71. */
function whereStands(url: string, text: string): number {
  for (let from = text.indexOf(url); from >= 0; from = text.indexOf(url, from + 1)) {
    if (!/^(?:[\w%~+=&-]|[/?#:@.,;!$*'][\w%~+=&-])/.test(text.slice(from + url.length, from + url.length + 2))) return from;
  }
  return -1;
}

/** "Run 7 (address)", "Run 7: SUCCEEDED address" and "It is run 7. address" name the page already: there the name is the link, and nothing stands where the address stood. */
function saidAlready(before: string, name: string, after: string): { before: string; id: string; between: string; closed: boolean } | null {
  const [, id] = name.split(/ (?=\S+$)/);
  const at = id === undefined ? -1 : before.lastIndexOf(id);
  const [, word, between = '', open] = /^(#?[\p{L}\p{N}_]+(?:-[\p{L}\p{N}_]+)*…?)(.*?)[\s:]*(\(?)$/su.exec(at < 0 ? '' : before.slice(at)) ?? [];
  if (word === undefined || /[\w.,]$/.test(before.slice(0, at)) || (open === '(') !== after.startsWith(')')) return null;
  const close = /^(?: \([^()\n]*\))?(?: in [\w./-]+)?(?:: [A-Z_]+)?$/.test(between);
  // Or it stands by itself at the end, belonging to no sentence.
  if (!close && !(after === '' && /[.:]\s$/.test(before))) return null;
  return { before: before.slice(0, at), id: word, between, closed: open === '(' };
}

/** "New run: run 7" says it twice. */
function nameAfter(before: string, name: string): string {
  const [kind = '', id] = name.split(/ (?=\S+$)/);
  const said = before.toLowerCase().replace(/[:\s]+$/, '');
  return id && said.endsWith(kind) ? id : name;
}
