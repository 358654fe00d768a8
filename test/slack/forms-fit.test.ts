import fc from 'fast-check';
import { expect, test } from 'vitest';
import { refuseView } from '../../src/sandbox/slack/validate-view.ts';
import { RUN_TOOL } from '../../src/session/runs.ts';
import { decisionOf } from '../../src/slack/cards.ts';
import { changeForm } from '../../src/slack/change-session.ts';
import { callDetails, denyReason, told } from '../../src/slack/modals.ts';
import { form } from '../../src/slack/new-experiment.ts';
import { editForm, fieldsOf } from '../../src/slack/views/edit-form.ts';
import { ablationForm } from '../../src/slack/views/experiment-form.ts';
import { homeView } from '../../src/slack/views/home.ts';
import { t } from '../../src/slack/views/rich.ts';
import { build } from './any-session.ts';

/** Text of any length and kind, names of jobs and parameters among it. */
const odd = fc.oneof(
  fc.constantFrom('', ' ', '<!channel>', '\uD800 half', '\u202Eevil', 'x<&>'.repeat(4_000), '"quoted" \\ and\nlines'),
  fc.string({ unit: 'binary', maxLength: 80 }),
  fc.string({ maxLength: 40 }).map((s) => s.repeat(200)),
);
const many = fc.array(odd, { minLength: 16, maxLength: 16 });
const times = { numRuns: 25, endOnFailure: true };

test('every form and dialog is one that Slack takes, whatever the log, the jobs and the arguments are called', () => {
  fc.assert(
    fc.property(many, fc.integer({ min: 1, max: 40 }), (texts, count) => {
      const s = build(texts, count, false, 'none');
      const at = (i: number) => texts[i % texts.length] ?? '';
      const jobs = Array.from({ length: count * 4 }, (_, i) => ({ id: `${i}`, name: at(i) }));
      const places = Array.from({ length: Math.min(20, count) }, (_, i) => ({ id: `C${i}`, name: `#${at(i)}` }));
      const usual = { job: at(1), experiment: at(2), metrics: [at(3), at(4)] };
      const argumentsOf = Object.fromEntries(texts.map((text, i) => [`${text}${i}`, at(i + 1)]));
      const schema = { properties: { [at(5)]: { type: 'string', description: at(6) }, parameters: { type: 'object' }, list: { type: 'array' } } };
      const input = { [at(5)]: at(7), parameters: argumentsOf, list: texts };
      for (const [name, view] of Object.entries({
        told: told('Edit', `It says: ${at(8)}`),
        denial: denyReason('s1/c0'),
        change: changeForm(s),
        again: form(s),
        ablation: ablationForm({ places, place: 'C0', jobs, usual }),
        'ablation without jobs': ablationForm({ places, place: 'C0', jobs: [], usual }),
        edit: editForm('s1/c0', fieldsOf(RUN_TOOL, schema, input, input), `It is asked anew. ${at(9).slice(0, 300)}`, 'Change and approve'),
        ...Object.fromEntries(
          [...s.approvals.values()].map((a) => [a.id, callDetails(a, at(10), { requester: at(11), mayApprove: () => [t(at(12))], closed: false })]),
        ),
      }))
        expect({ name, refused: refuseView(view) }).toEqual({ name, refused: null });
    }),
    times,
  );
}, 60_000);

test('so is every Home', () => {
  fc.assert(
    fc.property(many, fc.integer({ min: 1, max: 40 }), fc.boolean(), (texts, count, ended) => {
      const s = build(texts, count, ended, 'none');
      const at = (i: number) => texts[i % texts.length] ?? '';
      const when = s.opened.at;
      const approvals = Array.from(s.approvals.values(), (a) => ({
        decision: decisionOf(s, a),
        requester: 'U1',
        from: { alias: at(1), url: null, client: at(2) },
        mayApprove: [],
      }));
      const experiments = Array.from({ length: Math.min(10, count) }, (_, i) => ({
        ...{ alias: 'e-test', state: at(i), verdict: at(i + 1), prompt: at(i + 2), openedAt: when, url: null },
        endedAt: i % 2 ? when : null,
        used: { turns: 1, calls: 2, raised: 0 },
      }));
      const records = experiments.slice(0, 5).map((e) => ({ ...e, by: at(4), lines: 7, head: 'f'.repeat(64) }));
      const budget = { perUser: 5, perTeam: 20, turns: 40, toolCalls: 120, mine: 2, team: 3 };
      const view = homeView({ notice: at(5), approvals, experiments, more: count, budget, records, channels: ['C0ML'], mayOpen: { ok: true }, at: when });
      expect(refuseView(view)).toBeNull();
    }),
    times,
  );
}, 60_000);
