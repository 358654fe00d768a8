import { plain, unescaped } from '../../policy/outside-text.ts';
import type { View } from '../../services/slack.ts';
import { modal } from '../modals.ts';
import { THEN, type Then } from './written-prompt.ts';

/** As long a text as Slack takes in a field. */
export const LONGEST = 3_000;
const OPTION = 75;

/** What the form offers: where it can run, which jobs there are, and what is usual here. */
export type FormOffer = {
  places: readonly { id: string; name: string }[];
  place: string;
  /** Empty where nobody could say: then the job is typed. */
  jobs: readonly { id: string; name: string }[];
  usual: { job?: string | undefined; experiment?: string | undefined; metrics: readonly string[] };
};

/** The fields of a usual ablation. What is filled in becomes a sentence, which is shown before it is run. */
export function ablationForm({ places, place, jobs, usual }: FormOffer): View {
  const [metric = ''] = usual.metrics;
  const best = usual.experiment ? `the best run in experiment "${usual.experiment}"` : '';
  const job = jobs.find((j) => j.id === usual.job);
  const known = usual.metrics.slice(0, 8).join(', ').slice(0, 300);
  return {
    ...modal('new_experiment', 'New experiment', [
      {
        type: 'section',
        text: { type: 'plain_text', text: 'Fill in what you want to try. You see the request in words before anything happens.', emoji: false },
      },
      ...(places.length > 1
        ? [
            input(
              'where',
              'Where',
              select(
                'where',
                places,
                places.find((p) => p.id === place),
              ),
            ),
          ]
        : []),
      jobs.length > 0
        ? input('job', 'Job', select('job', jobs.slice(0, 100), job))
        : input('job', 'Job', text('job', usual.job ?? ''), { hint: 'Its id or its name. Left empty: the default.', optional: true }),
      input('config', 'Config file', text('config', ''), { hint: 'Such as base_config.json. Left empty: what the job has by itself.', optional: true }),
      input('changes', 'Changes', text('changes', '', { multiline: true, placeholder: 'feature_set=v2' }), {
        hint: 'name=value, one a line. Left empty: everything as the config file or the job has it.',
        optional: true,
      }),
      input('metric', 'Metric', text('metric', metric), { ...(known ? { hint: `Known here: ${known}` } : {}) }),
      input('baseline', 'Compare with', text('baseline', best), {
        hint: 'In words, or the id of a run. Left empty: with nothing, and you are just told the result.',
        optional: true,
      }),
      input('threshold', 'Threshold', text('threshold', '1%'), {
        hint: 'It counts as improved by more than this: 1%, 2 points or 0.01. Left empty: by any gain.',
        optional: true,
      }),
      input(
        'next',
        'Then',
        select(
          'next',
          Object.entries(THEN).map(([id, name]) => ({ id, name })),
          { id: 'pull-request-or-post' satisfies Then, name: THEN['pull-request-or-post'] },
        ),
      ),
    ]),
    // Where only one place is possible, it is no question.
    private_metadata: place,
    submit: { type: 'plain_text', text: 'Show the request' },
    close: { type: 'plain_text', text: 'Cancel' },
  };
}

/** The request as it would be run, to be read and changed. `about` is the id of the place or of the experiment it repeats. */
export function promptForm(o: { about: string; title: string; says: string; prompt: string; close?: string }): View {
  return {
    ...modal('new_experiment', o.title, [
      { type: 'section', text: { type: 'plain_text', text: o.says, emoji: false } },
      input('prompt', 'Request', text('prompt', o.prompt, { multiline: true })),
    ]),
    private_metadata: o.about,
    submit: { type: 'plain_text', text: 'Run it' },
    ...(o.close ? { close: { type: 'plain_text', text: o.close } } : {}),
  };
}

type Choice = { id: string; name: string };

function input(id: string, label: string, element: Record<string, unknown>, more: { hint?: string; optional?: boolean } = {}) {
  const { hint, optional } = more;
  return {
    type: 'input',
    block_id: id,
    label: { type: 'plain_text', text: label, emoji: false },
    ...(hint ? { hint: { type: 'plain_text', text: hint, emoji: false } } : {}),
    ...(optional ? { optional } : {}),
    element,
  };
}

function text(id: string, initial: string, more: { multiline?: boolean; placeholder?: string } = {}): Record<string, unknown> {
  return {
    type: 'plain_text_input',
    action_id: id,
    multiline: more.multiline ?? false,
    max_length: LONGEST,
    ...(more.placeholder ? { placeholder: { type: 'plain_text', text: more.placeholder, emoji: false } } : {}),
    ...(initial === '' ? {} : { initial_value: initial.slice(0, LONGEST) }),
  };
}

function select(id: string, choices: readonly Choice[], initial: Choice | undefined): Record<string, unknown> {
  return { type: 'static_select', action_id: id, options: choices.map(option), ...(initial ? { initial_option: option(initial) } : {}) };
}

/** Names come from outside; an option's text is plain, so it needs no escapes of its own. */
function option({ id, name }: Choice) {
  return { text: { type: 'plain_text', text: unescaped(plain(name)).slice(0, OPTION) || id, emoji: false }, value: id };
}
