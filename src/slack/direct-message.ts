import type { Desk } from './desk.ts';
import { howToStart } from './views/home.ts';
import { para, rich, t } from './views/rich.ts';

const WELCOME = { session: 'direct-message', slot: 'welcome' };
/** After this long somebody who writes again is told again. */
const TOLD_FOR_S = 3_600;

/** A direct message opens nothing: who wrote it is told, once an hour at most, where experiments are asked for. */
export async function answerDirectMessage(desk: Desk, { channel, thread, ts }: { channel: string; thread?: string | undefined; ts: string }): Promise<void> {
  const before = await desk.slack.find({ channel, thread, mark: WELCOME, oldest: String(Number(ts) - TOLD_FOR_S) });
  if (before.length > 0) return;
  const places = desk.channels.map((id) => `<#${id}>`).join(', ');
  await desk.slack.post({
    channel,
    thread,
    text: `I run experiments in channels, where your team can see and approve them. ${places ? `To start one: /experiment and a sentence that describes it, in ${places}.` : 'No channel is configured for me yet.'}`,
    blocks: [
      rich(
        para(t('Thanks for writing! I run experiments in channels, where your team can see and approve them. To start one: '), ...howToStart(desk.channels)),
      ),
    ],
    mark: WELCOME,
  });
}
