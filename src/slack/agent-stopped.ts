import { z } from 'zod';
import { plain } from '../policy/outside-text.ts';
import { type Desk, maySteer } from './desk.ts';
import { NotStored } from './mention.ts';
import { store } from './store.ts';

/** What we use of `agent_session_stopped`. The streams it lists are stopped already; the rest is ours to do. */
export const stoppedSchema = z.object({
  type: z.literal('agent_session_stopped'),
  user: z.string(),
  channel: z.string(),
  thread_ts: z.string(),
  event_ts: z.string(),
});

/** Somebody pressed Slack's own stop button in a thread. */
export async function onAgentStopped(desk: Desk, { user, channel, thread_ts: thread, event_ts }: z.infer<typeof stoppedSchema>): Promise<void> {
  const id = await desk.reading.ofThread(desk.self.team, channel, thread);
  const session = id ? await desk.reading.session(id) : null;
  if (!session || session.ended || session.stop) return;
  const may = await maySteer(desk, session, user, `stop ${plain(session.opened.alias)}`);
  if (!may.ok) return desk.later(() => desk.slack.whisper({ channel, user, thread, text: may.why }));
  const key = `halt:${desk.self.team}:${channel}:${thread}:${event_ts}`;
  const stored = await store(desk, key, { do: 'tell', session: session.id, by: user, text: 'Stop.', ts: null, kind: 'stop', standing: may.standing });
  if (stored.is === 'late' || stored.is === 'unsure') throw new NotStored('a stop could not be stored in time');
}
