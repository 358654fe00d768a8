import { useEffect, useRef } from 'preact/hooks';
import type { Act, Snapshot } from '../../control-types.ts';
import { record } from '../blocks/json.ts';
import type { Edits } from '../blocks/state-values.ts';
import type { Acted } from './client.ts';
import { parseCommand } from './completion.ts';
import type { Place } from './place.ts';
import { isReply } from './selection.ts';
import type { Sandbox } from './use-sandbox.ts';

type Here = { sandbox: Sandbox; snapshot: Snapshot; me: string; channel: string; go: (change: Partial<Place>) => void };

/** What was asked for and has no thread yet: the app's next message in the channel, or its reply to a message of one's own. */
type Awaited = ({ channel: string; after: number } | { channel: string; thread: string }) & { since: number };

/** A later message is about something else: a command need not open a thread. */
const PATIENCE_MS = 10_000;

/** Sends what the person types, clicks and submits. What a command, its form or a mention starts is opened as a thread as soon as it is there. */
export function useSending({ sandbox, snapshot, me, channel, go }: Here) {
  const awaited = useRef<Awaited | null>(null);

  useEffect(() => {
    if (awaited.current && Date.now() - awaited.current.since > PATIENCE_MS) awaited.current = null;
    const thread = awaited.current && startedThread(snapshot, awaited.current);
    if (!thread) return;
    awaited.current = null;
    // On a narrow window the thread would cover the channel; its summary leads there.
    if (innerWidth > 760) go({ thread });
  }, [snapshot, go]);

  const tell = (acted: Acted): boolean => {
    if (!acted.ok && acted.error) sandbox.say(inWords(acted.error));
    return acted.ok;
  };

  const awaitThread = () => {
    awaited.current = { channel, after: Math.max(0, ...snapshot.messages.map((message) => Number(message.ts))), since: Date.now() };
  };

  return {
    async toChannel(text: string): Promise<boolean> {
      const command = parseCommand(text);
      if (command) {
        awaitThread();
        return tell(await sandbox.act({ as: me, do: 'command', ...command, channel }));
      }
      const acted = await sandbox.act({ as: me, do: 'say', text, channel });
      if (acted.ts) awaited.current = { channel, thread: acted.ts, since: Date.now() };
      return tell(acted);
    },
    async toThread(text: string, thread: string): Promise<boolean> {
      const command = parseCommand(text);
      if (command) {
        sandbox.say(
          `${command.command} does not work in a thread, as in Slack. Type it in the channel, or just write what you want: labmate reads along here.`,
        );
        return false;
      }
      return tell(await sandbox.act({ as: me, do: 'say', text, channel, thread }));
    },
    async click(where: { channel: string; ts: string; view?: string }, actionId: string, value: string | undefined): Promise<Acted> {
      const view = where.view ? { view: where.view } : {};
      const acted = await sandbox.act({ as: me, do: 'click', channel: where.channel, ts: where.ts, actionId, value, ...view });
      tell(acted);
      return acted;
    },
    async perform(what: Act): Promise<Acted> {
      const acted = await sandbox.act(what);
      tell(acted);
      return acted;
    },
    async submit(modal: string, values: Edits): Promise<void> {
      // This form does what the command does, once its sentence is sent.
      const form = record(snapshot.modals.find(({ id }) => id === modal)?.view);
      if (form.callback_id === 'new_experiment' && 'prompt' in values) awaitThread();
      const acted = await sandbox.act({ as: me, do: 'submit', modal, values });
      // Field errors stand at their fields; a toast would say it twice.
      if (!acted.ok && acted.error !== 'the form has errors') tell(acted);
    },
  };
}

function startedThread(snapshot: Snapshot, awaited: Awaited): string | null {
  const shared = snapshot.messages.filter((message) => message.channel === awaited.channel && message.bot && message.onlyFor === null);
  if ('thread' in awaited) return shared.some((message) => message.threadTs === awaited.thread) ? awaited.thread : null;
  return shared.find((message) => !isReply(message) && Number(message.ts) > awaited.after)?.ts ?? null;
}

/** Slack's error names as what they mean to the person. */
function inWords(error: string): string {
  if (error === 'dispatch_failed') return 'labmate did not answer within 3 seconds (Slack calls this dispatch_failed). Is it running, and is its socket up?';
  if (error === 'invalid_command') return 'There is no such command here. Try /experiment.';
  return error;
}
