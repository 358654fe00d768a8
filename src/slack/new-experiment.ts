import type { z } from 'zod';
import { isDirect } from '../policy/direct.ts';
import type { View } from '../services/slack.ts';
import type { Session } from '../session/state.ts';
import { type Answer, type Desk, mayOpen } from './desk.ts';
import { idFrom } from './given.ts';
import { type submissionSchema, told } from './modals.ts';
import { runAgain, runChanged, whatItHas } from './rerun.ts';
import type { FieldError } from './settled-form.ts';
import { notStored, type Settled, store, UNKNOWN } from './store.ts';
import { ablationForm, type FormOffer, LONGEST, promptForm } from './views/experiment-form.ts';
import { type Ablation, THEN, type Then, thresholdInWords, writtenPrompt } from './views/written-prompt.ts';
import { isServed } from './which-session.ts';

const TITLE = 'Change something';
/** What the form is filled with must be there before people give up. */
const OFFER_MS = 1_500;

type Click = { by: string; value: string; channel: string; trigger: string };
type Submission = z.infer<typeof submissionSchema>;
/** A field that is wrong, the next view of the dialog, or `done` when all of it may close. */
export type Answered = FieldError | { push: View } | 'done';
type NotOpened = { why: string; settled?: Settled; where?: string };

/** Opens the form for a usual ablation, at once; what it offers is looked up meanwhile. `channel`: where somebody is, if that is known. */
export async function openForm(desk: Desk, trigger: string, channel: string | null): Promise<void> {
  const id = await desk.slack.openModal(trigger, told('New experiment', 'Loading…'));
  desk.later(async () => {
    const offer = await offerOf(desk, channel);
    await desk.slack.updateModal(
      id,
      offer ? ablationForm(offer) : told('New experiment', 'No channel is configured for me yet. An operator has to add one to labmate.json.'),
    );
  });
}

/** A click on "Run again". */
export async function onRunAgain(desk: Desk, click: Click): ReturnType<typeof runAgain> {
  const earlier = await sessionHere(desk, click.value, click.channel);
  return earlier ? runAgain(desk, click.by, earlier) : { text: UNKNOWN };
}

/** A click on "Change something": a form with what was asked, to be changed and sent as the next experiment. It opens before anything is awaited. */
export async function onChangeSomething(desk: Desk, click: Click): Promise<Answer> {
  const opened = desk.slack.openModal(click.trigger, told(TITLE, 'Loading…'));
  desk.later(async () => {
    const earlier = await sessionHere(desk, click.value, click.channel);
    await desk.slack.updateModal(await opened, earlier ? form(earlier) : told(TITLE, UNKNOWN));
  });
  try {
    await opened;
    return { text: '' };
  } catch (error) {
    return { text: `The dialog could not be opened. ${error instanceof Error ? error.message : ''}` };
  }
}

/** The request of an earlier experiment, ready to be rewritten. `private_metadata` is that session's id and nothing else. */
export function form({ id, opened: { alias, prompt } }: Session): View {
  if (prompt.length > LONGEST)
    return told(
      TITLE,
      `The request of ${alias} has ${prompt.length} characters, more than a form takes. Use /experiment rerun ${alias} key=value, or write a new request.`,
    );
  return promptForm({ about: id, title: TITLE, says: `This opens a new experiment, which says that it repeats ${alias}.`, prompt });
}

/** Takes a form: the fields become words to look at, the words an experiment. */
export async function onNewExperiment(desk: Desk, { team, user, view }: Submission): Promise<Answered> {
  const words = view.state.values['prompt']?.['prompt']?.value;
  const field = words === undefined ? 'changes' : 'prompt';
  if (team.id !== desk.self.team) return { field, why: UNKNOWN };
  const about = fieldOf(view, 'where') ?? view.private_metadata;
  if (words === undefined) return fieldsToWords(desk, view, about);
  const prompt = words ?? '';
  if (prompt.trim() === '') return { field, why: 'Say what you want to run.' };
  const no = isServed(desk, about) ? await openNew(desk, view, about, user.id, prompt) : await rewritten(desk, view, about, user.id, prompt);
  return no ? { field, ...no } : 'done';
}

async function fieldsToWords(desk: Desk, view: Submission['view'], place: string): Promise<Answered> {
  const read = (name: string) => (fieldOf(view, name) ?? '').trim();
  const lines = read('changes')
    .split(/\n|,(?=\s*[A-Za-z_][\w.-]*\s*=)/)
    .filter((line) => line.trim() !== '');
  const changes = lines.map((line) => line.match(/^\s*([A-Za-z_][\w.-]*)\s*=\s*(.+?)\s*$/));
  const odd = lines.find((_, i) => changes[i] === null);
  if (odd) return { field: 'changes', why: `Write one change a line, as name=value; “${odd.trim().slice(0, 60)}” is none.` };
  const names = changes.map((pair) => pair?.[1] ?? '');
  const twice = names.find((name, i) => names.indexOf(name) !== i);
  if (twice) return { field: 'changes', why: `${twice} stands here twice; an experiment tries one value of it. For several, ask for them in a sentence.` };
  const unknown = await unknownNames(desk, read('job'), names);
  if (unknown) return { field: 'changes', why: unknown };
  const threshold = read('threshold');
  if (threshold !== '' && thresholdInWords(threshold) === null)
    return { field: 'threshold', why: 'Write a number, with % or points if you mean those: 1%, 2 points, 0.01.' };
  const config = read('config');
  if (/[\s,]/.test(config)) return { field: 'config', why: 'Write the name of one file, such as base_config.json. It may hold no blanks.' };
  const metric = read('metric');
  if (!/^[\w@./-]+$/.test(metric)) return { field: 'metric', why: 'Write the name of one metric, such as val_f1.' };
  const name = isDirect(place) ? null : await desk.slack.channelName(place, AbortSignal.timeout(800)).catch(() => place);
  const chosen = read('next');
  const next = Object.hasOwn(THEN, chosen) ? (chosen as Then) : 'tell';
  const baseline = read('baseline');
  if (baseline === '' && next !== 'tell')
    return { field: 'baseline', why: `“${THEN[next]}” needs something to compare with. Fill this in, or choose “${THEN.tell}”.` };
  const filled: Ablation = {
    job: read('job'),
    config,
    changes: changes.map((pair) => ({ name: pair?.[1] ?? '', value: pair?.[2] ?? '' })),
    metric,
    baseline,
    threshold,
    next,
    channel: name,
  };
  const unused = baseline === '' && threshold !== '' ? `The threshold ${threshold} is left out, as nothing is compared. ` : '';
  const says = `${unused}This is what is run, and what the record keeps. Change it as you like; next time you can type it after /experiment.`;
  return { push: promptForm({ about: place, title: 'New experiment', says, prompt: writtenPrompt(filled).slice(0, LONGEST), close: 'Back' }) };
}

/** What somebody is told of a name that the job does not declare; null where all are declared, or nobody could say in time. */
async function unknownNames(desk: Desk, job: string, names: readonly string[]): Promise<string | null> {
  const jobs = names.length > 0 ? await desk.usual?.jobs?.(AbortSignal.timeout(800)).catch(() => []) : [];
  const declared = jobs?.find(({ id }) => id === (job || desk.usual?.job))?.parameters ?? [];
  const unknown = names.filter((name) => !declared.includes(name));
  return declared.length > 0 && unknown.length > 0 ? `The job has no parameter ${unknown.join(', ')}. ${whatItHas(unknown, declared)}` : null;
}

/** Why nothing was opened; null where it was. */
async function openNew(desk: Desk, view: Submission['view'], channel: string, by: string, prompt: string): Promise<NotOpened | null> {
  const mine = !isDirect(channel) || (await desk.slack.directWith(channel, AbortSignal.timeout(800)).catch(() => null)) === by;
  if (!mine) return { why: 'Nothing was opened: Slack did not say that these are your direct messages. Please try again.' };
  const may = await mayOpen(desk, by);
  if (!may.ok) return { why: may.why };
  const { team } = desk.self;
  const session = idFrom(team, channel, view.id);
  const no = notStored(await store(desk, `view:${view.id}`, { do: 'open', session, team, channel, thread: null, by, prompt, door: 'form' }));
  return no && { where: channel, ...no };
}

async function rewritten(desk: Desk, view: Submission['view'], id: string, by: string, prompt: string): Promise<NotOpened | null> {
  const earlier = await sessionHere(desk, id);
  if (!earlier) return { why: UNKNOWN };
  const no = await runChanged(desk, `view:${view.id}`, idFrom(desk.self.team, earlier.opened.channel, view.id), by, earlier, prompt);
  return no && { where: earlier.opened.channel, ...no };
}

async function offerOf(desk: Desk, channel: string | null): Promise<FormOffer | null> {
  const soon = AbortSignal.timeout(OFFER_MS);
  const ids = [...(channel && isDirect(channel) ? [channel] : []), ...desk.channels.slice(0, 20)];
  const [first] = ids;
  if (first === undefined) return null;
  const [places, jobs] = await Promise.all([
    Promise.all(
      ids.map(async (id) => ({ id, name: isDirect(id) ? 'Here, between us' : `#${(await desk.slack.channelName(id, soon).catch(() => null)) ?? id}` })),
    ),
    (desk.usual?.jobs?.(soon) ?? Promise.resolve([])).catch((error: unknown) => {
      desk.log.warn({ why: String(error) }, 'the jobs for the form could not be listed; it takes a name instead');
      return [];
    }),
  ]);
  return { places, place: channel !== null && ids.includes(channel) ? channel : first, jobs, usual: desk.usual ?? { metrics: [] } };
}

/** What stands in a field, typed or chosen. */
function fieldOf({ state }: Submission['view'], name: string): string | null {
  const given = state.values[name]?.[name];
  return given?.selected_option?.value ?? given?.value ?? null;
}

async function sessionHere(desk: Desk, id: string, channel?: string): Promise<Session | null> {
  const session = await desk.reading.session(id);
  if (session?.opened.team !== desk.self.team || !isServed(desk, session.opened.channel)) return null;
  return channel === undefined || channel === session.opened.channel ? session : null;
}
