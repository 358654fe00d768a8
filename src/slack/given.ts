import { z } from 'zod';
import type { Answer, Desk } from './desk.ts';
import { AFTER_ALL, REPEAT, type Settled } from './store.ts';

/** What we use of a slash command's payload. */
export const commandSchema = z.object({
  team_id: z.string(),
  channel_id: z.string(),
  user_id: z.string(),
  trigger_id: z.string().min(1),
  text: z.string().catch(''),
  response_url: z.string().catch(''),
});
export type Given = z.infer<typeof commandSchema>;
type Place = Pick<Given, 'response_url' | 'channel_id' | 'user_id'>;

/** The same delivery always names the same session. */
export function idFrom(...parts: string[]): string {
  return parts.join('-').replace(/[^A-Za-z0-9.-]/g, '-');
}

/** Answers a command privately after it was acknowledged. */
export function reply(desk: Desk, { response_url: url, channel_id: channel, user_id: user }: Place, answer: Answer): Promise<void> {
  return url ? desk.slack.respond(url, answer) : desk.slack.whisper({ channel, user, ...answer });
}

/** What became of a delivery of which nobody knew whether it was stored. */
export function tellLater(desk: Desk, given: Place, settled: Settled): void {
  desk.later(async () => reply(desk, given, { text: (await settled) === 'stored' ? AFTER_ALL : REPEAT }));
}
