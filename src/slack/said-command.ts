import { isDirect } from '../policy/direct.ts';
import { help, suggestion } from './answers.ts';
import type { readTyped } from './command.ts';
import type { Answer, Desk } from './desk.ts';
import { subcommand } from './subcommands.ts';
import { trouble } from './trouble.ts';

type Said = Exclude<Awaited<ReturnType<typeof readTyped>>, { is: 'prompt' }>;

/** What stands after /experiment elsewhere, said in a direct message or behind a mention. Never throws: Slack would send it again, and it would be done again. */
export async function saidCommand(desk: Desk, event: { channel: string; user: string; ts: string; text: string }, typed: Said): Promise<Answer> {
  const { channel, user, ts, text } = event;
  if (typed.is === 'empty') return help();
  if (typed.is === 'suggestion') return suggestion(typed.word, typed.subcommand);
  if (typed.is === 'unsure') return { text: typed.why };
  const trigger = isDirect(channel) ? `dm-${ts}` : `${channel}-${ts}`;
  const given = { team_id: desk.self.team, channel_id: channel, user_id: user, trigger_id: trigger, text, response_url: '' };
  return subcommand(desk, given, typed).catch((error: unknown) => {
    desk.log.error({ why: error instanceof Error ? (error.stack ?? error.message) : String(error) }, 'what was said could not be answered');
    return { text: trouble(error) };
  });
}
