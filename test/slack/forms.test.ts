import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { parsePrompt } from '../../src/sandbox/claude/parse-prompt.ts';
import { refuseView } from '../../src/sandbox/slack/validate-view.ts';
import type { SessionEvent } from '../../src/session/events.ts';
import { ablationForm } from '../../src/slack/views/experiment-form.ts';
import { type Ablation, THEN, type Then, writtenPrompt } from '../../src/slack/views/written-prompt.ts';
import { asks, replied } from '../session/logs.ts';
import { aDesk, until, whispersTo } from './a-desk.ts';

let desk: Awaited<ReturnType<typeof aDesk>>;
beforeEach(async () => {
  desk = await aDesk('socket');
});
afterEach(() => desk.close());

const list = () => desk.log.reading.list('T1');
const eventsOf = async (id: string) => (await desk.log.log.read(id)).map((e) => e.event);
const modals = (as = 'U1') => desk.workspace.world.data.modals.filter((m) => m.user === as);
/** The dialog on screen once it is what it is to be, not the one that says it is loading. */
const dialog = (callback: string, as = 'U1') => until(() => [modals(as).at(-1)].find((m) => m?.view['callback_id'] === callback));
const typed = (values: Record<string, string>) => Object.fromEntries(Object.entries(values).map(([id, value]) => [id, { [id]: value }]));
const submit = (modal: string, values: Record<string, string>, as = 'U1') => desk.workspace.act({ as, do: 'submit', modal, values: typed(values) });
const command = (text: string, channel = 'C0ML') => desk.workspace.act({ as: 'U1', do: 'command', command: '/experiment', text, channel });
const FILLED = {
  job: '101',
  config: 'base_config.json',
  changes: 'feature_set=v2',
  metric: 'val_f1',
  baseline: 'the best run in experiment "ads-rank-v3"',
  threshold: '1%',
  next: 'pull-request-or-post',
};

describe('the form for a usual ablation', () => {
  test('opens for an empty /experiment with what is usual here, and writes the sentence, which can be changed before it is run', async () => {
    expect(await command('')).toEqual({ ok: true });
    const form = await dialog('new_experiment');
    expect(refuseView(form.view)).toBeNull();
    const words = JSON.stringify(form.view);
    for (const usual of ['ads-train (101)', 'val_f1', 'the best run in experiment \\"ads-rank-v3\\"', '1%']) expect(words).toContain(usual);
    expect(await list()).toEqual([]);

    await submit(form.id, { ...FILLED, changes: 'faster please' });
    expect(modals().at(-1)?.errors).toEqual({ changes: 'Write one change a line, as name=value; “faster please” is none.' });
    await submit(form.id, { ...FILLED, changes: 'feature_set=v2\nfeature_set=v3' });
    expect(modals().at(-1)?.errors).toEqual({ changes: expect.stringMatching(/^feature_set stands here twice/) });
    await submit(form.id, { ...FILLED, changes: 'featureset=v2' });
    expect(modals().at(-1)?.errors).toEqual({
      changes: 'The job has no parameter featureset. It has feature_set, seed. Did you mean feature_set?',
    });
    await submit(form.id, { ...FILLED, threshold: 'a lot' });
    expect(Object.keys(modals().at(-1)?.errors ?? {})).toEqual(['threshold']);
    await submit(form.id, FILLED);
    const sentence = modals().at(-1);
    expect(modals()).toHaveLength(2);
    const written =
      'Run job 101 using config base_config.json but with feature_set=v2. Wait for it to complete. Compare its val_f1 to the best run in experiment "ads-rank-v3". If val_f1 improved by more than 1%, open a GitHub PR titled "feat: feature_set=v2 ablation" with the metric comparison in the description. Otherwise, post the diff to Slack channel #ml-experiments.';
    expect(JSON.stringify(sentence?.view)).toContain(JSON.stringify(written).slice(1, -1));
    expect(await list()).toEqual([]);

    await submit(sentence?.id ?? '', { prompt: `${written} Thanks!` });
    expect(modals()).toEqual([]);
    const [about] = await list();
    expect((await eventsOf(about?.session ?? ''))[0]).toMatchObject({
      type: 'opened',
      channel: 'C0ML',
      thread: null,
      by: 'U1',
      door: 'form',
      prompt: `${written} Thanks!`,
    });
  });

  test('runs a config file as it is: changes may be left out', async () => {
    await command('');
    const form = await dialog('new_experiment');
    const { changes: _, ...rest } = FILLED;
    await submit(form.id, { ...rest, next: 'pull-request' });
    const words = JSON.stringify(await until(() => modals()[1]?.view));
    expect(words).toContain('Run job 101 using config base_config.json. Wait for it to complete.');
    expect(words).toContain('feat: base_config.json ablation');
  });

  test('drops nothing that was filled in without a word', async () => {
    await command('');
    const form = await dialog('new_experiment');
    const submitted = async (changes: Record<string, string>) => {
      await submit(form.id, { ...FILLED, ...changes });
      const shown = modals();
      return shown.length > 1 ? JSON.stringify(shown.at(-1)?.view) : shown[0]?.errors;
    };
    for (const next of ['pull-request-or-post', 'pull-request', 'post'] as const)
      expect(await submitted({ baseline: '', next })).toEqual({ baseline: expect.stringContaining(`“${THEN[next]}” needs something to compare with`) });
    for (const config of ['base config.json', 'a.json, b.json'])
      expect(await submitted({ config })).toEqual({ config: expect.stringContaining('the name of one file') });
    expect(await submitted({ baseline: '', next: 'tell' })).toContain('The threshold 1% is left out, as nothing is compared.');
  });

  test.each(['post', 'tell'])('a threshold stands in the sentence also where it only says what counts: %s', async (next) => {
    await command('');
    const form = await dialog('new_experiment');
    await submit(form.id, { ...FILLED, next });
    expect(JSON.stringify(await until(() => modals()[1]?.view))).toContain('If val_f1 improved by more than 1%, say so.');
  });

  test('opens from anywhere by the shortcut, and is refused to guests when it is sent', async () => {
    await desk.workspace.act({ as: 'U5', do: 'shortcut', callbackId: 'new_experiment' });
    const form = await dialog('new_experiment', 'U5');
    await submit(form.id, FILLED, 'U5');
    await submit(modals('U5').at(-1)?.id ?? '', { prompt: 'Run job 101' }, 'U5');
    expect(modals('U5').at(-1)?.errors['prompt']).toContain('Guests cannot');
    expect(await list()).toEqual([]);
  });

  test('typed in direct messages can run there', async () => {
    await command('', 'D1');
    const form = await dialog('new_experiment');
    expect(JSON.stringify(form.view)).toContain('Here, between us');
    await submit(form.id, { ...FILLED, where: 'D1' });
    await submit(modals().at(-1)?.id ?? '', { prompt: 'Run job 101' });
    expect((await list())[0]).toMatchObject({ channel: 'D1', prompt: 'Run job 101' });
  });

  test('is one that Slack takes whatever the jobs are called, and asks for the name where nobody could list them', () => {
    const jobs = Array.from({ length: 120 }, (_, i) => ({ id: String(i), name: `<!channel> ${'x'.repeat(200)} ${i}` }));
    const offer = { places: [{ id: 'C0ML', name: '#ml-experiments' }], place: 'C0ML', usual: { job: '7', metrics: [] } };
    expect(refuseView(ablationForm({ ...offer, jobs }))).toBeNull();
    expect(JSON.stringify(ablationForm({ ...offer, jobs: [] }))).toContain('"initial_value":"7"');
  });

  test('writes sentences that a strict reader understands whole', () => {
    const base: Ablation = {
      ...FILLED,
      changes: [
        { name: 'lr', value: '1e-3' },
        { name: 'note', value: 'two words' },
      ],
      next: 'tell',
      channel: 'ml-experiments',
    };
    for (const next of Object.keys(THEN) as Then[]) {
      for (const more of [
        {},
        { config: '' },
        { changes: [] },
        { config: '', changes: [] },
        { job: '' },
        { job: 'ads-train' },
        { threshold: '' },
        { threshold: '2 points' },
        { threshold: '.01' },
        { baseline: 'a'.repeat(32) },
        { baseline: '' },
      ]) {
        const prompt = writtenPrompt({ ...base, next, ...more });
        expect([prompt, parsePrompt(prompt).is]).toEqual([prompt, 'experiment']);
      }
    }
  });
});

describe('"Change the plan"', () => {
  const opened = async () => {
    await command('Run job 101 with lr=0.1');
    const id = (await list())[0]?.session ?? '';
    const { log } = desk.log;
    const lease = await log.claim(desk.log.owner(id), 5_000);
    const question = asks('c1', `${id}/1`, new Date(Date.now() + 3_600_000).toISOString());
    await log.commit(
      desk.log.owner(id),
      lease?.fence ?? 0,
      await log.tip(id),
      [replied(1, [{ id: 'c1', tool: 'run_databricks_job' }]), question] satisfies SessionEvent[],
      { is: '' },
    );
    await desk.tell(id);
    const root = desk.slots.now()['root']?.ts ?? '';
    await desk.workspace.act({ as: 'U1', do: 'say', text: 'rather lr=0.2', channel: 'C0ML', thread: root });
    await until(async () => (await eventsOf(id)).some((e) => e.type === 'told'));
    await desk.tell(id);
    const kept = await until(() => desk.workspace.world.data.messages.find((m) => JSON.stringify(m.blocks).includes('change_session')));
    return { id, kept };
  };

  test('says what is taken back and with what it is planned anew, takes more words, and counts when it is sent', async () => {
    const { id, kept } = await opened();
    const click = (as: string) => desk.workspace.act({ as, do: 'click', channel: 'C0ML', ts: kept.ts, actionId: 'change_session' });
    await click('U4');
    await until(() => JSON.stringify(modals('U4').at(-1)?.view ?? '').includes('Only whoever asked'));
    await click('U1');
    const form = await dialog('change_session');
    expect(refuseView(form.view)).toBeNull();
    expect(JSON.stringify(form.view)).toMatch(/Run job 101 \(ads-train\).*rather lr=0\.2/);
    expect((await eventsOf(id)).some((e) => e.type === 'told' && e.kind === 'change')).toBe(false);
    await submit(form.id, { words: 'and only 3 epochs' });
    expect((await eventsOf(id)).at(-1)).toMatchObject({ type: 'told', kind: 'change', by: 'U1', text: 'and only 3 epochs' });
  });

  test('has nothing to take back once somebody has decided', async () => {
    const { id, kept } = await opened();
    await desk.workspace.act({ as: 'U1', do: 'click', channel: 'C0ML', ts: kept.ts, actionId: 'change_session' });
    const form = await dialog('change_session');
    await desk.log.deliver('yes', { do: 'approve', session: id, approval: `${id}/1`, by: 'U2' });
    await submit(form.id, {});
    expect(modals().at(-1)?.errors['words']).toContain('decided already');
  });

  test('does not say of a stopped experiment that anything is read', async () => {
    const { id, kept } = await opened();
    await desk.workspace.act({ as: 'U1', do: 'click', channel: 'C0ML', ts: kept.ts, actionId: 'change_session' });
    const form = await dialog('change_session');
    await desk.log.deliver('stop', { do: 'tell', session: id, by: 'U1', text: 'Stop.', ts: null, kind: 'stop', standing: 'requester' });
    await submit(form.id, {});
    expect(modals().at(-1)?.errors['words']).toContain('stopped or has ended');
    expect(modals().at(-1)?.errors['words']).not.toContain('read now');
  });
});

describe('"Run as experiment"', () => {
  const on = (ts: string, as = 'U1') => desk.workspace.act({ as, do: 'shortcut', callbackId: 'run_as_experiment', channel: 'C0ML', ts });

  test("runs anybody's message in its thread, with what was said before it as quoted context, once per thread", async () => {
    const root = (await desk.workspace.act({ as: 'U4', do: 'say', text: 'the loss looks odd', channel: 'C0ML' })).ts ?? '';
    const idea = (await desk.workspace.act({ as: 'U4', do: 'say', text: 'somebody should run job 101 with lr=0.1', channel: 'C0ML', thread: root })).ts ?? '';
    await on(idea);
    const about = await until(async () => (await list())[0]);
    expect((await eventsOf(about.session))[0]).toMatchObject({
      type: 'opened',
      by: 'U1',
      door: 'shortcut',
      thread: root,
      prompt: 'somebody should run job 101 with lr=0.1',
      quoted: [{ by: 'U4', text: 'the loss looks odd' }],
    });
    await on(root);
    await until(() => whispersTo(desk.workspace, 'U1').find((t) => t.includes('is at work in that thread')));
    expect(await list()).toHaveLength(1);
  });
});
