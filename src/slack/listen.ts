import type { AckFn, AnyMiddlewareArgs, App, RespondArguments, ViewResponseAction, ViewSubmitAction } from '@slack/bolt';
import { z } from 'zod';
import { NewerRecord } from '../session/record-version.ts';
import { onAgentStopped, stoppedSchema } from './agent-stopped.ts';
import { alteredSchema, onAltered } from './altered.ts';
import { answerClick, clickSchema, onClick } from './buttons.ts';
import { onChangeSession } from './change-session.ts';
import { onCommand } from './command.ts';
import { offerPrompts } from './conversation.ts';
import type { Answer, Desk } from './desk.ts';
import { firstField, onEdit, type Submitted } from './editing.ts';
import { commandSchema, tellLater } from './given.ts';
import { homeSchema, publishHome } from './home.ts';
import { inDialog } from './in-dialog.ts';
import { LISTENERS } from './listeners.ts';
import { loopGuard } from './loop-guard.ts';
import { messageSchema, NotStored, onMessage } from './mention.ts';
import { onDenyReason, submissionSchema } from './modals.ts';
import { type Answered, onNewExperiment, openForm } from './new-experiment.ts';
import { type FieldError, tellInForm } from './settled-form.ts';
import { onShortcut, shortcutSchema } from './shortcuts.ts';
import type { Settled } from './store.ts';
import { trouble } from './trouble.ts';

/** What we use of the global shortcut. */
const triggerSchema = z.object({ team: z.object({ id: z.string() }), trigger_id: z.string() });

type View = (typeof LISTENERS.views)[number];
type Ack<T = void> = AckFn<T>;
type Form = (body: ViewSubmitAction, ack: Ack<ViewResponseAction>) => Promise<void>;

/** What is done with each delivery, by its kind and its name. */
export type Heard = {
  command: ReadonlyMap<string, (body: unknown, ack: Ack<RespondArguments>) => Promise<void>>;
  event: ReadonlyMap<string, (payload: unknown) => Promise<void>>;
  action: ReadonlyMap<string, (body: unknown, ack: Ack) => Promise<void>>;
  view: ReadonlyMap<string, Form>;
  shortcut: ReadonlyMap<string, (body: unknown, ack: Ack) => Promise<void>>;
};

/**
 * Parses each delivery once and hands it on. In Bolt's global middleware and not in its listeners, as a delivery goes through the middleware of every listener there is:
 * in a crowd of commands that was a quarter of the wait.
 */
export function listen(app: App, desk: Desk): void {
  const heard = listensTo(desk);
  app.use(async (given) => {
    await (handle(heard, given) ?? given.next());
  });
  app.error(async (error) => {
    const cause = 'original' in error && error.original instanceof Error ? error.original : error;
    desk.log.error({ why: String(cause) }, cause instanceof NotStored ? 'an event is left to Slack to send again' : 'a delivery was not handled');
    throw error;
  });
}

/** Undefined: nobody here listens to that. */
function handle(heard: Heard, given: AnyMiddlewareArgs): Promise<void> | undefined {
  if ('command' in given) return heard.command.get(given.command.command)?.(given.body, given.ack);
  if ('event' in given) return heard.event.get(given.event.type)?.(given.event);
  if ('action' in given) return 'action_id' in given.action ? heard.action.get(given.action.action_id)?.(given.body, given.ack as Ack) : undefined;
  if ('shortcut' in given) return heard.shortcut.get(given.shortcut.callback_id)?.(given.body, given.ack);
  if ('view' in given && given.body.type === 'view_submission')
    return heard.view.get(given.view.callback_id)?.(given.body, given.ack as Ack<ViewResponseAction>);
  return undefined;
}

/** The manifest has to ask Slack for exactly these. */
export function listensTo(desk: Desk): Heard {
  const onButton = async (body: unknown, ack: Ack) => {
    await safely(
      desk,
      clickSchema,
      body,
      (given) => onClick(desk, given),
      (text) => answerClick(desk, body, text),
    );
    await ack();
  };
  return {
    command: new Map([[LISTENERS.command, command(desk)]]),
    event: new Map(Object.entries(events(desk))),
    action: new Map(LISTENERS.actions.map((name) => [name, onButton])),
    view: new Map<string, Form>(Object.entries(forms(desk))),
    shortcut: new Map([
      [LISTENERS.shortcuts.message, onMessageShortcut(desk)],
      [LISTENERS.shortcuts.global, onGlobalShortcut(desk)],
    ]),
  };
}

function command(desk: Desk): (body: unknown, ack: Ack<RespondArguments>) => Promise<void> {
  return async (body, ack) => {
    const answer = await safely<typeof commandSchema, Answer>(
      desk,
      commandSchema,
      body,
      (given) => onCommand(desk, given),
      (text) => ({ text }),
    );
    // Nothing to say yet: the answer follows at the response_url, or a dialog has opened.
    await (answer.text === '' ? ack() : ack({ response_type: 'ephemeral', ...answer } as RespondArguments));
  };
}

function onMessageShortcut(desk: Desk): (body: unknown, ack: Ack) => Promise<void> {
  return async (body, ack) => {
    const { settled, ...answer } = await safely<typeof shortcutSchema, Answer & { settled?: Settled }>(
      desk,
      shortcutSchema,
      body,
      (given) => onShortcut(desk, given),
      (text) => ({ text }),
    );
    const read = shortcutSchema.safeParse(body);
    if (read.success) {
      desk.later(() => desk.slack.respond(read.data.response_url, answer));
      if (settled !== undefined)
        tellLater(desk, { response_url: read.data.response_url, channel_id: read.data.channel.id, user_id: read.data.user.id }, settled);
    }
    await ack();
  };
}

function onGlobalShortcut(desk: Desk): (body: unknown, ack: Ack) => Promise<void> {
  return async (body, ack) => {
    await safely(
      desk,
      triggerSchema,
      body,
      (given) => (given.team.id === desk.self.team ? openForm(desk, given.trigger_id, null) : Promise.resolve()),
      () => undefined,
    );
    await ack();
  };
}

/** What is done on each event, by its type. */
function events(desk: Desk): Record<string, (payload: unknown) => Promise<void>> {
  const loops = loopGuard();
  const told = new Set<string>();
  const once = (key: string) => {
    if (told.size > 10_000) told.clear();
    return told.size < told.add(key).size;
  };
  const onHome = async (payload: unknown) => {
    const read = homeSchema.safeParse(payload);
    if (!read.success) return;
    const { user, tab, channel } = read.data;
    // Nobody waits for it, and nothing hangs on it.
    desk.later(() => (tab === 'messages' ? offerPrompts(desk, { user, channel }) : publishHome(desk, user)));
  };
  const onStopped = async (payload: unknown) => {
    const read = stoppedSchema.safeParse(payload);
    if (read.success) await onAgentStopped(desk, read.data);
  };
  const onRevoked = async (payload: unknown) => {
    if (takesOurToken(payload)) desk.revoked?.();
  };
  const onSaid = async (payload: unknown) => {
    // Left to throw: what is not stored is not acknowledged.
    const altered = alteredSchema.safeParse(payload);
    if (altered.success) return onAltered(desk, altered.data);
    const read = messageSchema.safeParse(payload);
    if (read.success) await onMessage(desk, read.data, once, loops);
  };
  return {
    [LISTENERS.home]: onHome,
    [LISTENERS.stopped]: onStopped,
    ...Object.fromEntries(LISTENERS.revoked.map((event) => [event, onRevoked])),
    ...Object.fromEntries(LISTENERS.events.map((event) => [event, onSaid])),
  };
}

/** The token of a person who had also signed in may go without harm to us. */
function takesOurToken(payload: unknown): boolean {
  const read = z.object({ type: z.literal('tokens_revoked'), tokens: z.object({ bot: z.array(z.string()).optional() }) }).safeParse(payload);
  return !read.success || (read.data.tokens.bot ?? []).length > 0;
}

/** What is done with each form that is sent, and how Slack is answered. */
function forms(desk: Desk): Record<View, Form> {
  const refuse = async (body: ViewSubmitAction, ack: Ack<ViewResponseAction>, error: FieldError) => {
    await ack(errors({ ...error, why: await inDialog(desk, error.why) }));
    tellInForm(desk, body, error);
  };
  return {
    async deny_reason(body, ack) {
      const refused = await submitted<FieldError | null>(desk, body, 'reason', (given) => onDenyReason(desk, given));
      if (refused) return refuse(body, ack, refused);
      await ack();
      afterDialog(desk, body);
    },
    async edit_arguments(body, ack) {
      const answer = await submitted<Submitted>(desk, body, firstField(body.view), (given) => onEdit(desk, given));
      if (answer && 'view' in answer) return ack({ response_action: 'update', view: answer.view });
      if (answer) return refuse(body, ack, answer);
      await ack();
      afterDialog(desk, body);
    },
    async new_experiment(body, ack) {
      const field = 'prompt' in (body.view.state?.values ?? {}) ? 'prompt' : 'changes';
      const answer = await submitted<Answered>(desk, body, field, (given) => onNewExperiment(desk, given));
      if (answer === 'done') return ack({ response_action: 'clear' });
      if ('push' in answer) return ack({ response_action: 'push', view: answer.push });
      await refuse(body, ack, answer);
    },
    async change_session(body, ack) {
      const refused = await submitted<FieldError | null>(desk, body, 'words', (given) => onChangeSession(desk, given));
      await (refused ? refuse(body, ack, refused) : ack());
    },
  };
}

/** Takes a form; what goes wrong stands under `field`. */
function submitted<T>(desk: Desk, body: unknown, field: string, work: (given: z.infer<typeof submissionSchema>) => Promise<T>): Promise<T | FieldError> {
  return safely<typeof submissionSchema, T | FieldError>(desk, submissionSchema, body, work, (why) => ({ field, why }));
}

function errors({ field, why }: FieldError): { response_action: 'errors'; errors: Record<string, string> } {
  return { response_action: 'errors', errors: { [field]: why } };
}

/** The dialog may have been opened on Home, which shows what it decided as still waiting. */
function afterDialog(desk: Desk, body: { user: { id: string } }): void {
  desk.later(() => publishHome(desk, body.user.id));
}

/** Parses and works; what goes wrong is a logged line and, by way of `otherwise`, a sentence for whoever waits: a click or command must be answered. */
async function safely<S extends z.ZodType, T>(
  desk: Desk,
  schema: S,
  body: unknown,
  work: (given: z.output<S>) => Promise<T>,
  otherwise: (sentence: string) => T,
): Promise<T> {
  try {
    return await work(schema.parse(body));
  } catch (error) {
    const newer = error instanceof NewerRecord;
    desk.log.error({ why: error instanceof Error && !newer ? (error.stack ?? error.message) : String(error) }, 'a delivery from Slack could not be handled');
    return otherwise(trouble(error));
  }
}
