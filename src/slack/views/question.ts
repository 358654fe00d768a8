import { z } from 'zod';
import type { Call, Session } from '../../session/state.ts';
import type { Question } from './messages.ts';

const asked = z.object({
  question: z.string(),
  options: z.array(z.string()).catch([]),
  to: z.string().nullish().catch(null),
  free_text: z.boolean().catch(true),
});

/** The question a call puts to a person, or null. From the wait while it is parked, from what the model asked afterwards: the same words. */
export function readQuestion(s: Session, call: Call): Question | null {
  const waiting = call.status.is === 'parked' && call.status.waiting.for === 'answer' ? call.status.waiting : null;
  if (!waiting && !call.question && (call.tool !== 'ask_person' || call.status.is === 'asked')) return null;
  const instead = call.answer ? null : (call.interrupted?.by ?? null);
  if (!waiting && !call.answer && !instead && call.status.is === 'finished' && call.status.outcome.status !== 'withdrawn') return null;
  const read = asked.safeParse(waiting ?? call.question ?? call.input);
  if (!read.success) return null;
  const { question, options, to, free_text: freeText } = read.data;
  const open = waiting !== null && !instead && !s.ended && !s.stop;
  return { ref: `${s.id}/${call.id}`, question, options: options.slice(0, 10), to: to ?? null, freeText, answer: call.answer ?? null, instead, open };
}
