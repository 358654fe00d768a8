import { splitAtLinks } from '../../policy/known-pages.ts';
import { type Bit, link, t } from './rich.ts';

/** Text in which the pages we know have become short links; everything else stays the text it is. */
export function linked(text: string, known: ReadonlyMap<string, string>): Bit[] {
  return splitAtLinks(text, known).map((part) => (part.url === undefined ? t(part.text) : link(part.url, part.text)));
}
