import { escapeHtml } from './stand-in.ts';

/** Markdown as a pull request shows it, enough of it to read one: headings, lists, tables, code, quotes, links, pictures, folded parts. Other HTML in it is shown, comments are hidden. */
export function markdownToHtml(text: string): string {
  const lines = text.replace(/<!--[\s\S]*?-->/g, '').split(/\r?\n/);
  const out: string[] = [];
  let i = 0;
  /** Takes lines while they fit. */
  const take = (fits: (line: string) => boolean): string[] => {
    const from = i;
    while (i < lines.length && fits(lines[i] ?? '')) i += 1;
    return lines.slice(from, i);
  };
  while (i < lines.length) {
    const line = lines[i] ?? '';
    const heading = /^(#{1,6})\s+(.*)$/.exec(line);
    if (line.trim() === '') i += 1;
    else if (fold(line) !== null) {
      i += 1;
      out.push(fold(line) ?? '');
    } else if (line.startsWith('```')) {
      i += 1;
      const fence = /^`+/.exec(line)?.[0] ?? '```';
      const code = take((l) => !l.startsWith(fence));
      i += 1;
      out.push(`<pre><code>${escapeHtml(code.join('\n'))}</code></pre>`);
    } else if (heading) {
      i += 1;
      const level = heading[1]?.length ?? 1;
      out.push(`<h${level}>${inline(heading[2] ?? '')}</h${level}>`);
    } else if (/^\s*(-{3,}|\*{3,})\s*$/.test(line)) {
      i += 1;
      out.push('<hr>');
    } else if (line.startsWith('>')) {
      out.push(
        `<blockquote>${markdownToHtml(
          take((l) => l.startsWith('>'))
            .map((l) => l.replace(/^>\s?/, ''))
            .join('\n'),
        )}</blockquote>`,
      );
    } else if (line.includes('|') && /^\s*\|?\s*:?-+/.test(lines[i + 1] ?? '')) out.push(table(take((l) => l.includes('|'))));
    else if (/^\s*([-*+]|\d+\.)\s/.test(line)) {
      const tag = /^\s*\d/.test(line) ? 'ol' : 'ul';
      const items = take((l) => /^\s*([-*+]|\d+\.)\s/.test(l)).map((l) => `<li>${inline(l.replace(/^\s*([-*+]|\d+\.)\s+/, ''))}</li>`);
      out.push(`<${tag}>${items.join('')}</${tag}>`);
    } else {
      // At least one line, or a lone table row would never be passed.
      const first = [lines[i++] ?? ''];
      out.push(
        `<p>${inline([...first, ...take((l) => l.trim() !== '' && !/^(#{1,6}\s|```|>|\s*[-*+]\s|\|)/.test(l))].join('\n')).replaceAll('\n', '<br>')}</p>`,
      );
    }
  }
  return out.join('\n');
}

/** The only HTML of a description that is HTML here: lines that open and close a folded part. */
function fold(line: string): string | null {
  if (line.trim() === '</details>') return '</details>';
  const opens = /^<details><summary>([^<>]*)<\/summary>$/.exec(line.trim());
  return opens ? `<details><summary>${escapeHtml(opens[1] ?? '')}</summary>` : null;
}

function table(rows: string[]): string {
  const cells = (row: string) =>
    row
      .trim()
      .replace(/^\||\|$/g, '')
      .split(/(?<!\\)\|/)
      .map((c) => inline(c.trim().replaceAll('\\|', '|')));
  const row = (r: string, tag: string) =>
    `<tr>${cells(r)
      .map((c) => `<${tag}>${c}</${tag}>`)
      .join('')}</tr>`;
  const [head = '', , ...body] = rows;
  return `<table><thead>${row(head, 'th')}</thead><tbody>${body.map((r) => row(r, 'td')).join('')}</tbody></table>`;
}

function inline(text: string): string {
  // Code spans stand aside while the rest is marked up.
  const spans: string[] = [];
  const aside = text.replace(/`([^`]+)`/g, (_, code: string) => `\uE000${spans.push(`<code>${escapeHtml(code)}</code>`) - 1}\uE000`);
  return escapeHtml(aside.replace(/\\([\\`*_{}[\]()#+\-.!|<>@~])/g, (_, c: string) => `\uE000${spans.push(escapeHtml(c)) - 1}\uE000`))
    .replace(/!\[([^\]]*)\]\((https?:[^)\s]+)\)/g, '<img src="$2" alt="$1" style="max-width:100%">')
    .replace(/&#60;(https?:[^\s&]+(?:&#38;[^\s&]+)*)&#62;/g, '<a href="$1" rel="noopener">$1</a>')
    .replace(/\[([^\]]+)\]\((https?:[^)\s]+)\)/g, '<a href="$2" rel="noopener">$1</a>')
    .replace(/\*\*([^*]+)\*\*/g, '<strong>$1</strong>')
    .replace(/(^|[\s(])[*_]([^*_\n]+)[*_](?=[\s).,;:!?]|$)/g, '$1<em>$2</em>')
    .replace(/(^|[\s(])(https?:\/\/[^\s<)]+)/g, '$1<a href="$2" rel="noopener">$2</a>')
    .replace(/\uE000(\d+)\uE000/g, (_, n: string) => spans[Number(n)] ?? '');
}
