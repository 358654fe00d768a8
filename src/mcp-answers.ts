import { lookAlikes, visible } from './policy/outside-text.ts';
import type { Standing } from './runtime/door-session.ts';
import { argumentsInFull } from './session/in-full.ts';
import type { Approval } from './session/state.ts';
import { differences } from './slack/views/decision.ts';
import type { DoorAnswer } from './tools/door.ts';
import type { Proposal } from './tools/propose.ts';

/** The card's words for a person at a client: the same facts, and nothing in them that is not seen. */
export function inWords(approval: Approval, tool: string): string {
  const { preview, again } = approval;
  const exact = argumentsInFull(approval);
  const line = (text: string) => visible(text).replaceAll('\n', '⏎ ');
  const alike = lookAlikes(`${preview.summary}\n${exact}`);
  return [
    line(preview.summary),
    ...(again ? [line(`Asked again: ${again}`)] : []),
    ...(preview.environment ? [line(`Environment: ${preview.environment}`)] : []),
    ...preview.facts.map((f) => line(`${f.label}: ${f.value}`)),
    ...differences(preview).flatMap((d) => [line(d.title), ...d.changes.map((c) => line(`${c.name}: ${c.from ?? '(not set)'} → ${c.to ?? '(not set)'}`))]),
    ...(preview.adds?.length ? [line(`labmate itself adds ${preview.adds.join('; ')}.`)] : []),
    ...(alike.length > 0 ? [line(`Look closely, these words mix alphabets: ${alike.join(', ')}`)] : []),
    `Exactly this is sent, with ${tool}: ${visible(exact)}`,
  ].join('\n');
}

/** What the log says, for the client. */
export function told(standing: Standing): DoorAnswer {
  if (standing.is === 'waits') {
    const next = standing.stuck
      ? 'It is not tried again by itself: make the identical call to try again.'
      : 'It goes on by itself; make the identical call again in a minute to learn what came of it.';
    const text = `${standing.why} ${next}`;
    return { is: 'told', text, failed: false, data: { status: 'waiting' } };
  }
  if (standing.is === 'asked') {
    const { id, preview, expiresAt, state } = standing.approval;
    const next =
      state === 'approved'
        ? 'It is approved: make the identical call again.'
        : `get_approval with ${id} tells how it stands; once it is approved, make the identical call again.`;
    return {
      is: 'asked',
      id,
      summary: preview.summary,
      expiresAt,
      text: `Nothing has run. A person must approve this first, and was asked in Slack: ${preview.summary}. ${next}`,
    };
  }
  const { status, text, data } = standing.outcome;
  if (status === 'ok') return { is: 'told', text, failed: false, data };
  if (status === 'denied') return { is: 'told', text: `Declined ${text}. Nothing was run.`, failed: false, data: { status: 'declined', ...data } };
  const quiet = status === 'expired' || status === 'withdrawn';
  return { is: 'told', text, failed: !quiet, data: { status, ...data } };
}

/** Why nothing acts where there is no log: `missing` are the variables to set. Whoever wrote a rule that lets a call run reads that it was seen. */
export function whyAlone(verdict: Proposal['verdict'] | null, missing: string): string {
  const set = `set ${missing}, the same as where labmate runs. Nothing was run.`;
  const noLog = `acts is written to a log first, and there is none here: ${set}`;
  if (verdict === null) return `What ${noLog}`;
  const { is, rule } = verdict;
  if (is === 'run') return `Nobody has to be asked (${rule}), but what ${noLog}`;
  const uncovered = / auto( |$)/.test(rule) ? `What this client has read is not known, so ${rule} does not cover it: it` : 'This';
  return `${uncovered} needs a person's yes, and nobody can be asked here: ${set}`;
}
