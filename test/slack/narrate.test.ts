import { describe, expect, test } from 'vitest';
import { compareRuns } from '../../src/analysis/compare.ts';
import type { EventOf, SessionEvent } from '../../src/session/events.ts';
import { narrate, type Slot } from '../../src/slack/narrate.ts';
import { approved, asks, denied, finished, opened, replied, sessionOf, started, told, waitsForAnswer, waitsForJob } from '../session/logs.ts';
import { permissions } from './a-desk.ts';

const slotsOf = (...events: SessionEvent[]): Slot[] => narrate(sessionOf(events), { approvers: permissions.approvers });
const slot = (slots: Slot[], name: string) => {
  const found = slots.find((s) => s.name === name);
  if (!found || !('blocks' in found)) throw new Error(`no message ${name} among ${slots.map((s) => s.name).join(', ')}`);
  return found;
};
const buttons = (s: { blocks: unknown[] }) => [...JSON.stringify(s.blocks).matchAll(/"action_id":"(\w+)"/g)].map((m) => m[1]);

/** The thread as one reads it: names, indentation for the thread, fallback text. */
const read = (slots: Slot[]) =>
  slots.map((s) => `${s.name}${s.thread ? '' : ' (in the channel)'}: ${'file' in s ? `[file ${s.file.name}]` : 'status' in s ? s.status : s.text}`).join('\n');

const SEED = 'Run a training job using config base_config.json but with feature_set=v2. Wait for it to complete.';
const run = { run_id: '7', run_url: 'https://dbc.example/run/7' };
const side = (value: number, name: string) => ({
  run: {
    runId: name.repeat(32).slice(0, 32),
    name,
    experimentId: '1',
    status: 'FINISHED' as const,
    deleted: false,
    startedAt: 0,
    endedAt: 60_000,
    artifactUri: '',
    metrics: { val_f1: { key: 'val_f1', value, step: 20, timestamp: 1 }, loss: { key: 'loss', value: Number.NaN, step: 20, timestamp: 1 } },
    params: {},
    tags: {},
    datasets: [],
  },
  url: `https://mlflow.example/${name}`,
});
const compared = compareRuns(side(0.71, 'b'), side(0.73, 'c'), { primary: 'val_f1', threshold: { value: 1 } });

const walk: SessionEvent[] = [
  opened(SEED),
  replied(1, [{ id: 'c1', tool: 'run_databricks_job' }], 'I shall train with feature_set=v2.'),
  asks('c1'),
  approved('c1'),
  started('c1'),
  finished('c1', run),
  replied(6, [{ id: 'c2', tool: 'wait_for_job' }], ''),
  waitsForJob('c2'),
  { type: 'woken', call: 'c2', why: 'job' },
  finished('c2'),
  replied(10, [{ id: 'c3', tool: 'compare_runs' }], ''),
  finished('c3', compared as unknown as Record<string, unknown>),
  replied(12, [], 'val_f1 improved; the pull request is open.'),
  { type: 'ended', outcome: 'done', text: '', usd: 0.1234 },
];

describe('the thread of a session', () => {
  test('at its end, as one reads it', () => {
    expect(read(slotsOf(...walk))).toMatchInlineSnapshot(`
      "root (in the channel): e-test: Run a training job using config base_config.json but with feature_set=v2. Wait for it to complete.
      plan: ✅ e-test: Done
      ● Run job 101 (ads-train): done
      ● Wait for the training job: done
      ● Compare two runs: done
      said:2: I shall train with feature_set=v2.
      card:2: Approval: Run job 101 (ads-train) (approved)
      verdict:c3: 📈 Improved: val_f1 +2.817 %, asked for: more than 1 % relative · 3 warnings below
      val_f1 0.73 against 0.71 (+0.02, +2.817 % relative, +2 percentage points): better by more than 1 % relative (the reading set in labmate.json).
      val_f1: 0.71 → 0.73 (+2.817 %)
      loss: NaN → NaN
      final: Done
      val_f1 improved; the pull request is open.
      - Run job 101 (ads-train) https://dbc.example/run/7
      model: 4 turns, 400 tokens in, 80 out, $0.12
      record: 14 lines, head bcb791cadb3808dcfc834e0f36b2916ad46cfcc5a816f4900781c584ec8bf1b6"
    `);
  });

  test('a table is counted, not quoted, and several runs that ended are told of together', () => {
    const ok = (call: string, text: string, data: Record<string, unknown> = {}): SessionEvent => ({
      type: 'call_finished',
      call,
      outcome: { status: 'ok', text, data },
    });
    const runs = (last: string) => ({ runs: ['SUCCEEDED', 'SUCCEEDED', last].map((status, i) => ({ run_id: `${i}`, status })) });
    const plan = slot(
      slotsOf(
        opened('Which jobs are there?'),
        replied(
          1,
          ['t', 'w', 'x', 'y', 'z'].map((id) => ({ id, tool: id === 't' ? 'list_databricks_jobs' : 'wait_for_job' })),
        ),
        ok('t', '| job_id | name |\n| --- | ---: |\n| 101 | ads-train |\n| 102 | ads-eval |\n\nThere are more.'),
        ok('w', 'Run 0 of job 101: SUCCEEDED after 5 s.\n\nRun 1 …', runs('SUCCEEDED')),
        ok('x', 'Run 0 of job 101: RUNNING.', runs('RUNNING')),
        ok('y', 'val_f1 below 0.6 came true on run 0: 0.52 at step 7.\n\nRun 0: SUCCEEDED.', runs('SUCCEEDED')),
        ok('z', 'Run 0 of job 101: SUCCEEDED after 5 s.', { runs: [{ run_id: '0', status: 'SUCCEEDED' }] }),
      ),
      'plan',
    );
    expect(plan.text).toContain('List the jobs: 2 listed\n');
    expect(plan.text).toContain('Wait for the training job: 3 of 3 runs SUCCEEDED');
    expect(plan.text).toContain('2 of 3 runs SUCCEEDED, 1 of 3 runs RUNNING');
    expect(plan.text).toContain('val_f1 below 0.6 came true on run 0');
    expect(plan.text).toContain('Run 0 of job 101: SUCCEEDED after 5 s.');
  });

  test('grows only at its end: what was posted once keeps its name and its place', () => {
    let before: string[] = [];
    for (let n = 1; n <= walk.length; n++) {
      const names = slotsOf(...walk.slice(0, n)).map((s) => s.name);
      expect(names.filter((name) => before.includes(name))).toEqual(before);
      before = names;
    }
  });

  test('the verdict has the figures as a table and the chart; each reading of a percentage has a line where they disagree', () => {
    const { blocks } = slot(slotsOf(...walk), 'verdict:c3');
    expect(blocks.map((b) => b.type)).toEqual(['rich_text', 'table', 'data_visualization', 'rich_text', 'context']);
    expect(JSON.stringify(blocks)).not.toContain('As a relative change');
    const close = compareRuns(side(0.71, 'b'), side(0.7172, 'c'), { primary: 'val_f1', threshold: { value: 1 } });
    const disagreeing = walk.map((e) => (e.type === 'call_finished' && e.call === 'c3' ? finished('c3', close as unknown as Record<string, unknown>) : e));
    const lines = JSON.stringify(slot(slotsOf(...disagreeing), 'verdict:c3').blocks);
    expect(lines).toContain('As a relative change: +1.014 %, improved (this reading was used)');
    expect(lines).toContain('In percentage points: +0.72, not enough of a difference');
  });

  test('a headline says what keeps a verdict from being one, and never spells a sign out', () => {
    const headline = (candidate: number | undefined, more: Partial<Parameters<typeof compareRuns>[2]> = {}) => {
      const found = compareRuns(side(0.71, 'b'), side(candidate ?? Number.NaN, 'c'), { primary: 'val_f1', threshold: { value: 1, kind: 'relative' }, ...more });
      const events = walk.map((e) => (e.type === 'call_finished' && e.call === 'c3' ? finished('c3', found as unknown as Record<string, unknown>) : e));
      return slot(slotsOf(...events), 'verdict:c3')
        .text.split('\n')[0]
        ?.replace(/ · .*/, '');
    };
    expect(headline(0.73)).toBe('📈 Improved: val_f1 +2.817 %, asked for: more than 1 % relative');
    expect(headline(0.7)).toBe('📉 Regressed: val_f1 -1.408 %, asked for: more than 1 % relative');
    expect(headline(0.711)).toBe('⚖️ Not enough of a difference: val_f1 +0.1408 %, asked for: more than 1 % relative');
    expect(headline(undefined)).toBe('❔ No verdict: val_f1 is NaN in the candidate; asked for: more than 1 % relative');
    expect(headline(0.73, { primary: 'acc' })).toBe('❔ No verdict: acc is in neither run; asked for: more than 1 % relative');
  });

  test('a step says what is for people: no code, no advice for the model, and who answered as a person', () => {
    const plan = (tool: string, outcome: EventOf<'call_finished'>['outcome']) =>
      slot(slotsOf(opened(SEED), replied(1, [{ id: 'c1', tool }]), { type: 'call_finished', call: 'c1', outcome }), 'plan');
    const said = 'Databricks has no job 7.';
    const text = `JOB_NOT_FOUND: ${said} Next: check the id; list_databricks_jobs lists them. (not retryable)`;
    expect(plan('get_job_status', { status: 'failed', text, said }).text).toContain(`failed: ${said}`);
    // As records had it before what people read was kept apart.
    expect(plan('get_job_status', { status: 'failed', text }).text).toMatch(/failed: Databricks has no job 7\.$/);
    const early = 'val_f1 below 0.6 came true on run 7: 0.5 at step 3; what still runs goes on.';
    const advised = `${early} To wait on, call again without this condition or with a greater after_step.`;
    expect(plan('wait_for_job', { status: 'ok', text: advised, data: {} }).text).toMatch(/what still runs goes on\.$/);
    const answer = plan('ask_person', { status: 'ok', text: '<@U2> answered: forget it', data: { status: 'answered', by: 'U2', answer: 'forget it' } });
    expect(answer.text).toContain('● Ask a person: answered: forget it');
    expect(JSON.stringify(answer.blocks)).toContain('[{"type":"user","user_id":"U2"},{"type":"text","text":" answered: forget it"}]');
  });

  test('names what it waits for, and by whom', () => {
    const at = (n: number) => slot(slotsOf(...walk.slice(0, n)), 'plan').text;
    expect(at(1)).toBe('💭 e-test: Thinking');
    expect(at(3)).toBe('✋ e-test: Waiting for approval\n◐ Run job 101 (ads-train): waiting for approval');
    expect(at(8)).toBe(
      '🏃 e-test: Training; woken when it ends\n● Run job 101 (ads-train): done\n◐ Wait for the training job: training since 09:07 UTC, run 7',
    );
    expect(JSON.stringify(slot(slotsOf(...walk.slice(0, 3)), 'plan').blocks)).toContain('"usergroup_id":"S1"');
    expect(buttons(slot(slotsOf(...walk.slice(0, 3)), 'plan'))).toEqual(['stop_session']);
    expect(buttons(slot(slotsOf(...walk), 'plan'))).toEqual([]);
  });

  test('a card is the same before and after the decision but for who decided and the buttons', () => {
    const pending = slot(slotsOf(...walk.slice(0, 3)), 'card:2');
    const denial = slot(slotsOf(...walk.slice(0, 3), denied('c1', 'U2', 'stale data')), 'card:2');
    expect(buttons(pending)).toEqual(['approve_call', 'deny_call', 'edit_call', 'show_call']);
    expect(buttons(denial)).toEqual([]);
    const lines = (s: { blocks: unknown[] }) => new Set([...JSON.stringify(s.blocks[0]).matchAll(/"text":"((?:[^"\\]|\\.)*)"/g)].map((m) => m[1]));
    const [before, after] = [lines(pending), lines(denial)];
    expect([...before].filter((l) => !after.has(l))).toEqual(['Waiting for a decision.']);
    expect([...after].filter((l) => !before.has(l))).toEqual(['Denied', ' by ', ' at 09:03 UTC. Reason: stale data']);
  });

  test('a question asked again gets a card of its own, which notifies; the old one says why it no longer counts', () => {
    const again = asks('c1', 's1/2');
    const slots = slotsOf(...walk.slice(0, 4), { ...again, waiting: { ...again.waiting, again: 'What would be sent has changed.' } } as SessionEvent);
    expect(buttons(slot(slots, 'card:2'))).toEqual([]);
    expect(buttons(slot(slots, 'card:2:1'))).toEqual(['approve_call', 'deny_call', 'edit_call', 'show_call']);
    expect(JSON.stringify(slot(slots, 'card:2:1').blocks)).toContain('Asked again: What would be sent has changed.');
  });

  test('a message while an approval is open is kept, and said so once, with the offer to plan anew', () => {
    const slots = slotsOf(...walk.slice(0, 3), told('use v3 instead'), told('really'));
    expect(slots.filter((s) => s.name.startsWith('kept:'))).toHaveLength(1);
    expect(buttons(slot(slots, 'kept:2'))).toEqual(['change_session']);
    expect(buttons(slot(slotsOf(...walk.slice(0, 3), told('use v3'), ...walk.slice(3)), 'kept:2'))).toEqual([]);
    expect(slotsOf(...walk.slice(0, 3), told('hm', 'message', 'other', 'U9')).some((s) => s.name.startsWith('kept:'))).toBe(false);
  });

  test('a message that nobody read before the end is not said to be read, and how it can count is', () => {
    const kept = (...events: SessionEvent[]) => slot(slotsOf(...walk.slice(0, 3), told('use v3 instead'), ...events), 'kept:2').text;
    const stop: SessionEvent[] = [
      told('Stop.', 'stop'),
      { type: 'withdrawn', call: 'c1', approval: 's1/1', by: 'U1', of: 'question', why: 'Stopped.' },
      finished('c1', {}, 'withdrawn'),
      { type: 'ended', outcome: 'stopped', text: '' },
    ];
    for (let n = 1; n <= stop.length; n++) expect(kept(...stop.slice(0, n))).toMatch(/over before it could be read.*write it here again/);
    // What the host did after the stop is no reading either.
    const byHost: SessionEvent = { ...replied(6, [{ id: 'stop-7', tool: 'cancel_job_run' }]), model: 'host', content: [], host: true };
    expect(kept(stop[0] as SessionEvent, byHost)).toContain('over before it could be read');
    expect(kept(approved('c1'), started('c1'), finished('c1'))).toContain('it is read now');
    expect(kept(approved('c1'), started('c1'), finished('c1'), replied(7), { type: 'ended', outcome: 'done', text: '' })).toContain('it is read now');
  });

  test('a question has its options as buttons until it is answered', () => {
    const input = { question: 'Which file?', options: ['a.json', 'b.json'] };
    const waits = waitsForAnswer('c1');
    const open = [opened(), replied(1, [{ id: 'c1', tool: 'ask_person', input }]), { ...waits, waiting: { ...waits.waiting, ...input } } as SessionEvent];
    const asked = slot(slotsOf(...open), 'question:c1');
    expect(asked.text).toBe('A question: Which file?\n- a.json\n- b.json');
    expect(JSON.stringify(asked.blocks)).toContain('"value":"s1/c1/1"');
    const answered = slot(slotsOf(...open, told('b.json'), finished('c1')), 'question:c1');
    expect(answered.text).toBe('A question: Which file?\nAnswered: b.json');
    // One mark before each: Slack numbers them.
    expect(JSON.stringify(answered.blocks)).toMatch(/"style":"ordered".*"text":"a\.json"/);
    expect(buttons(answered)).toEqual([]);
  });

  test("an option's button has its words without the model's marks, as has the answer", () => {
    const options = ['**v2** of `feature_set`, see [the run](https://mlflow.example/7)', '<@U9> & <!channel>', '- one\n- two', '---'];
    const long = 'a'.repeat(71);
    const waits = waitsForAnswer('c1');
    const ask = (...texts: string[]) => {
      const input = { question: 'Which?', options: texts };
      return [opened(), replied(1, [{ id: 'c1', tool: 'ask_person', input }]), { ...waits, waiting: { ...waits.waiting, ...input } } as SessionEvent];
    };
    const labels = (asked: Slot | undefined) =>
      JSON.parse(JSON.stringify(asked && 'blocks' in asked ? asked.blocks : [])).flatMap((b: { type: string; elements: { text: { text: string } }[] }) =>
        b.type === 'actions' ? b.elements.map((e) => e.text.text) : [],
      );
    const shown = ['v2 of feature_set, see the run (https://mlflow.example/7)', '@U9 &amp; &lt;!channel&gt;', '- one - two', '---'];
    expect(labels(slot(slotsOf(...ask(...options)), 'question:c1'))).toEqual(shown);
    expect(slot(slotsOf(...ask(...options)), 'question:c1').text).toContain(shown.map((o) => `- ${o}`).join('\n'));
    // These begin with a sign that says something: without it another answer would be chosen than is given.
    expect(labels(slot(slotsOf(...ask('> 1 %', '>= 1 %', '+ 5 epochs', '1. Retrain', '# 3')), 'question:c1'))).toEqual([
      '&gt; 1 %',
      '&gt;= 1 %',
      '+ 5 epochs',
      '1. Retrain',
      '# 3',
    ]);
    // What is cut off by a button's end is in the list above.
    expect(labels(slot(slotsOf(...ask(`**${long}**`, 'b')), 'question:c1'))).toEqual([long, 'b']);
    expect(labels(slot(slotsOf(...ask('&'.repeat(30), 'b')), 'question:c1'))).toEqual(['Option 1', 'Option 2']);
    const answered = slot(slotsOf(...ask(...options), told(options[0] ?? ''), finished('c1')), 'question:c1');
    expect(answered.text).toContain(`Answered: ${shown[0]}`);
    expect(JSON.stringify(answered.blocks)).not.toContain('**');
  });

  test('what needs attention mentions the requester and can be tried again, until it is', () => {
    const stuck = [opened(), { type: 'noted' as const, about: 'attention' as const, text: 'Databricks answered nothing for 30 minutes.' }];
    expect(buttons(slot(slotsOf(...stuck), 'attention:2'))).toEqual(['retry_step']);
    expect(slot(slotsOf(...stuck), 'plan').text).toBe('❗ e-test: Needs attention');
    expect(buttons(slot(slotsOf(...stuck, told('Try again.', 'retry')), 'attention:2'))).toEqual([]);
  });

  describe('the question what becomes of a run after a stop', () => {
    const stopped: SessionEvent[] = [...walk.slice(0, 6), told('Stop.', 'stop'), { type: 'noted', about: 'offer', text: 'Stopped. Still running: run 7.' }];
    const canceled: SessionEvent[] = [
      ...stopped,
      told('Cancel the run.', 'cancel_run', 'requester'),
      { ...replied(9, [{ id: 'stop-7', tool: 'cancel_job_run', input: { run_id: '7' } }]), model: 'host', content: [], host: true },
    ];
    const left: SessionEvent[] = [...stopped, told('Leave it.', 'leave_run', 'requester')];
    const end: SessionEvent = { type: 'ended', outcome: 'stopped', text: '' };
    const over: SessionEvent = {
      type: 'call_finished',
      call: 'stop-7',
      outcome: { status: 'failed', text: 'ALREADY_ENDED: It has ended already (SUCCEEDED). Next: read it. (not retryable)' },
    };
    const decided = 'Answered by (U1): Cancel the run';
    const waits: SessionEvent = { ...replied(9, [{ id: 'look-7', tool: 'wait_for_job', input: { run_ids: ['7'] } }]), model: 'host', content: [], host: true };
    const ended: SessionEvent[] = [...stopped, waits, finished('look-7', { runs: [{ run_id: '7', status: 'SUCCEEDED' }] })];

    test.each<[string, SessionEvent[], string]>([
      ['asks', stopped, 'A run goes on (U1)|Stopped. Still running: run 7.|Without an answer within 15 minutes it is left running.'],
      ['is answered', canceled, `A run goes on|Stopped. Still running: run 7.|${decided}`],
      ['says that it ended by itself', [...ended, end], 'A run went on|Run 7 ended meanwhile (SUCCEEDED).'],
      [
        'says that nobody answered',
        [...stopped, end],
        'A run went on|Still running: run 7. Cancel it in Databricks, or ask for it here.|Nobody answered within 15 minutes.',
      ],
      ['says that it was canceled', [...canceled, finished('stop-7'), end], `A run went on|Canceled: run 7.|${decided}`],
      ['says that it had ended', [...canceled, over, end], `A run went on|Run 7 was not canceled: It has ended already (SUCCEEDED).|${decided}`],
      ['says that it was left', [...left, end], 'A run went on|Left running: run 7. Cancel it in Databricks, or ask for it here.|Answered by (U1): Leave it'],
    ])('%s', (_, events, shown) => {
      type Bits = { elements?: { elements: { text?: string; user_id?: string }[] }[] };
      const [words] = slot(slotsOf(...events), 'offer').blocks as Bits[];
      const bit = (b: { text?: string; user_id?: string }) => (b.user_id ? `(${b.user_id})` : b.text);
      expect(words?.elements?.map((p) => p.elements.map(bit).join('')).join('|')).toBe(shown);
      expect(buttons(slot(slotsOf(...events), 'offer'))).toEqual(events === stopped ? ['cancel_run', 'leave_run'] : []);
    });
  });

  test('a follow-up that called no tool posts only its answer', () => {
    const follow: SessionEvent = { ...opened('thanks!'), door: 'reply', thread: '1.1', after: { session: 'e-old', head: 'a'.repeat(64), report: '' } };
    const slots = slotsOf(follow, replied(1, [], 'You are welcome.'), { type: 'ended', outcome: 'done', text: '' });
    expect(slots.map((s) => s.name)).toEqual(['final']);
    expect(slot(slots, 'final').text).toMatch(/^You are welcome\.\nrecord: 3 lines/);
  });

  test('what labmate.json rules out is not offered once more as it was; what was refused for another reason is', () => {
    const refused = (by?: 'policy'): SessionEvent => ({ type: 'refused', of: 'call', call: 'c1', why: 'Not there.', ...(by ? { by } : {}) });
    const offered = (...events: SessionEvent[]) => buttons(slot(slotsOf(opened(SEED), ...events, { type: 'ended', outcome: 'done', text: '' }), 'final'));
    const asked = replied(1, [{ id: 'c1', tool: 'run_databricks_job' }]);
    expect(offered(asked, refused('policy'), replied(3))).toEqual(['rerun_changed']);
    expect(offered(asked, refused(), replied(3))).toEqual(['rerun_session', 'rerun_changed']);
    // The rest of it may be wanted once more.
    const ran = [replied(3, [{ id: 'c2', tool: 'compare_runs' }]), finished('c2')];
    expect(offered(asked, refused('policy'), ...ran, replied(5))).toEqual(['rerun_session', 'rerun_changed']);
  });

  test('a session without approvers says so on its card', () => {
    const s = sessionOf(walk.slice(0, 3));
    const [found] = narrate(s, { approvers: {} }).filter((x) => x.name === 'card:2');
    expect(JSON.stringify(found)).toContain('nobody: labmate.json names no approvers');
  });
});
