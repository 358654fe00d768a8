import { VERDICTS, verdictInWords } from '../analysis/verdict.ts';
import type { About } from '../runtime/reading.ts';
import { listed } from './answers.ts';
import type { Answer, Desk } from './desk.ts';
import { served } from './which-session.ts';

/** How many matches are listed; the rest are counted. */
const SHOWN = 20;
/** People whose names are looked up for one search; Slack keeps count of such questions. */
const MOST_PEOPLE = 40;

export type Wanted = { words: string; phrase: boolean };

/** Searches what was asked, tried, decided and by whom. Reads the index only: no log, no model. */
export async function find(desk: Desk, wanted: Wanted, by: string): Promise<Answer> {
  const all = await served(desk, by);
  const found = matching(all, wanted, await namesOf(desk, all));
  return listed(`Found for “${wanted.words}”: ${found.length}`, found, `Nothing found for “${wanted.words}”.`, SHOWN);
}

/** Each verdict by what it is shown as and by its name, as older entries have it; a request that speaks of one is no experiment that came to it. */
const BY_WORDS = new Map(VERDICTS.flatMap((v) => [[verdictInWords(v), v] as const, [v.replaceAll('_', ' '), v] as const]));
const verdictOf = ({ verdict }: About) => BY_WORDS.get(spaced(verdict ?? '').split(':')[0] ?? '');

/** Those in whose prompt, parameters, people, verdict or state every word stands, in any case; a phrase stands there in one piece. A verdict alone is that verdict. */
export function matching(sessions: readonly About[], { words, phrase }: Wanted, names: ReadonlyMap<string, string> = new Map()): About[] {
  const wanted = phrase ? [spaced(words)] : spaced(words).split(' ');
  const verdict = BY_WORDS.get(spaced(words));
  if (verdict) return sessions.filter((a) => verdictOf(a) === verdict);
  return sessions.filter((a) => {
    const parameters = Object.entries(a.parameters).flatMap(([key, value]) => [key, value, `${key}=${value}`]);
    const people = [...new Set([a.by, ...a.people])].flatMap((id) => [id, names.get(id) ?? '']);
    const text = [a.alias, a.prompt, a.words ?? '', a.verdict ?? '', a.state, ...parameters, ...people, ...(a.runs ?? [])].map(spaced).join('\n');
    return wanted.every((word) => text.includes(word));
  });
}

/** In one case and on one line; a mention is its id, as the index has it. */
function spaced(text: string): string {
  return text
    .replace(/<@([A-Z0-9]+)(?:\|[^>]*)?>/g, '$1')
    .toLowerCase()
    .replace(/\s+/g, ' ')
    .trim();
}

/** The index knows people by their ids; people know each other by name. Whom Slack does not tell of is found by id alone. */
async function namesOf(desk: Desk, sessions: readonly About[]): Promise<Map<string, string>> {
  const ids = [...new Set(sessions.flatMap((a) => [a.by, ...a.people]))].slice(0, MOST_PEOPLE);
  const people = await Promise.all(ids.map((id) => desk.slack.person(id, 1_500).catch(() => null)));
  return new Map(people.flatMap((person) => (person ? [[person.id, person.name] as const] : [])));
}
