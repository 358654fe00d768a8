import { changesInWords } from './changed-arguments.ts';
import { type Names, namesIn, person } from './people.ts';
import { code, prose } from './quote.ts';
import type { Approval, Session } from './state.ts';

/** Every question to people and how it was decided, as a table; `within` is the call that carries this report. */
export function approvalsOf(session: Session, within?: string): string[] {
  const { approvals: all, calls, refusedDecisions } = session;
  const names = namesIn(session);
  if (all.size === 0) return [];
  const next = ({ id }: Approval) => [...all.values()].find(({ edits }) => edits?.approval === id);
  const rows = [...all.values()].map(
    (a) =>
      `| ${prose(a.preview.summary, 120)} | ${code(calls.get(a.call)?.tool ?? '')} | ${decision(a, next(a), names, within)} | ${a.askedAt} | ${code(a.digest.slice(0, 12))} |`,
  );
  const refused = refusedDecisions.map((r) => `- ${r.at} ${person(r.by, names)} did not count: ${prose(r.why, 300)}`);
  return [
    ['| what | tool | decision | asked | digest |', '| --- | --- | --- | --- | --- |', ...rows].join('\n'),
    ...(refused.length > 0 ? [refused.join('\n')] : []),
  ];
}

function decision(a: Approval, next: Approval | undefined, names: Names, within?: string): string {
  const votes = a.votes.map((v) => `${person(v.by, names)} ${v.at}`).join(', ');
  const by = a.by ? ` by ${person(a.by, names)}` : '';
  const when = a.decidedAt ? ` ${a.decidedAt}` : '';
  switch (a.state) {
    case 'approved':
    case 'used':
      return `approved by ${votes}${a.state === 'used' ? '' : a.call === within ? ', being opened with this file' : ', not used'}`;
    case 'pending':
      return `open until ${a.expiresAt}, ${a.votes.length} of ${a.need}${votes ? `: ${votes}` : ''}`;
    case 'denied':
      return `denied${by}${when}${a.reason ? `: ${prose(a.reason, 300)}` : ''}`;
    case 'edited':
      return `replaced by an edited one${by}${when}${next ? `: ${changes(a, next)}` : ''}`;
    case 'withdrawn':
      return `withdrawn${by}${when}`;
    case 'expired':
      return `expired${when}`;
    default:
      return a.state satisfies never;
  }
}

/** What somebody changed, as far as a cell has room. */
function changes(before: Approval, after: Approval): string {
  const all = changesInWords(before.arguments, after.arguments);
  const shown = all.slice(0, 8).map(({ name, from, to }) => {
    if (from === null) return `${code(name, 60)} added: ${code(to ?? '', 60)}`;
    return `${code(name, 60)} ${to === null ? `left out, was ${code(from, 60)}` : `${code(from, 60)} → ${code(to, 60)}`}`;
  });
  return [...shown, ...(all.length > shown.length ? [`${all.length - shown.length} more`] : [])].join(', ');
}
