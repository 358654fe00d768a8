import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import type { Got } from '../../src/sandbox/claude/conversation.ts';
import { wordsOf } from '../../src/sandbox/print-thread.ts';
import { field, startedBy, train } from './scripted-trainings.ts';
import { openStage, type StoryStage } from './stage.ts';

const CONDITIONAL =
  'Train ads-train with feature_set=tiny. If validation F1 drops below 0.6, check the feature distribution before re-training with feature_set=v1.';
const DIVERGING = 'Train with learning_rate=1 and stop it if it diverges.';
const STOPPED = 'Train ads-train, and I may stop it on the way.';
const FORGOTTEN = 'Train ads-train, and nobody looks after it once it is stopped.';

/** Checks the features when woken, and only then trains again. */
function conditional() {
  const first = { run_ids: [] as string[], metric: 'val_f1', conditions: [{ metric: 'val_f1', kind: 'below', value: 0.6, after_step: 5 }], deadline: '4h' };
  const second = { run_ids: [] as string[] };
  const picture = { run_id: '', path: 'features/distribution.png' };
  return {
    when: CONDITIONAL,
    steps: [
      { say: 'I will train, and look at the features if val_f1 stays below 0.6.', calls: [train({ feature_set: 'tiny' })] },
      {
        calls: [{ tool: 'wait_for_job', input: first }],
        expect: (results: Got[]) => {
          first.run_ids = startedBy(results);
        },
      },
      {
        calls: [
          { tool: 'get_grafana_panel', input: { dashboard_uid: 'ads-features', panel_id: '1', format: 'data' } },
          { tool: 'get_run_artifact', input: picture },
        ],
        expect: ([woken]: Got[]) => {
          picture.run_id = String(field(woken?.data, 'runs', 0, 'mlflow_run_ids', 0));
          expect(field(woken?.data, 'woken_by')).toBe('tripwire');
          expect(field(woken?.data, 'still_running')).toBe(true);
          expect(field(woken?.data, 'tripped', 0)).toMatchObject({ metric: 'val_f1', step: 6, condition_in_words: 'val_f1 below 0.6 after step 5' });
          expect(field(woken?.data, 'tripped', 0, 'value')).toBeLessThan(0.6);
        },
      },
      { say: 'The distribution looks as it should, so I train again with v1.', calls: [train({ feature_set: 'v1' })] },
      {
        calls: [{ tool: 'wait_for_job', input: second }],
        expect: (results: Got[]) => {
          second.run_ids = startedBy(results);
        },
      },
      { say: 'Trained again with v1.' },
    ],
  };
}

function diverging() {
  const wait = { run_ids: [] as string[], conditions: [{ metric: 'val_f1', kind: 'nan' }] };
  const cancel = { run_id: '', reason: 'val_f1 is not a number any more' };
  const rest = { run_ids: [] as string[] };
  return {
    when: DIVERGING,
    steps: [
      { say: 'I will train and stop it when val_f1 is not a number.', calls: [train({ learning_rate: '1' })] },
      {
        calls: [{ tool: 'wait_for_job', input: wait }],
        expect: (results: Got[]) => {
          wait.run_ids = startedBy(results);
          rest.run_ids = wait.run_ids;
        },
      },
      {
        calls: [{ tool: 'cancel_job_run', input: cancel }],
        expect: ([woken]: Got[]) => {
          expect(field(woken?.data, 'tripped', 0)).toMatchObject({ step: 3, value: 'NaN' });
          cancel.run_id = String(field(woken?.data, 'tripped', 0, 'run_id'));
        },
      },
      { calls: [{ tool: 'wait_for_job', input: rest }] },
      {
        say: 'It diverged at step 3, so I canceled it.',
        expect: ([ended]: Got[]) => expect(field(ended?.data, 'runs', 0, 'status')).toBe('CANCELED'),
      },
    ],
  };
}

function stoppedOnTheWay(when: string) {
  const wait = { run_ids: [] as string[] };
  return {
    when,
    steps: [
      { say: 'I will train.', calls: [train({ feature_set: 'v1' })] },
      {
        calls: [{ tool: 'wait_for_job', input: wait }],
        expect: (results: Got[]) => {
          wait.run_ids = startedBy(results);
        },
      },
    ],
  };
}

describe('while it trains', () => {
  let stage: StoryStage;
  beforeAll(async () => {
    stage = await openStage({
      mode: 'socket',
      trainingSeconds: 9,
      scripts: [conditional(), diverging(), stoppedOnTheWay(STOPPED), stoppedOnTheWay(FORGOTTEN)],
    });
  });
  afterAll(async () => stage?.close());
  beforeEach(() => stage.begin());

  test('if F1 drops below 0.6 the features are looked at before it is trained again', async () => {
    const before = stage.launches().length;
    await stage.command(CONDITIONAL);
    const card = await stage.card();
    await stage.click('U2', card, 'approve_call');
    await stage.shows(/median of 4 past successes/);
    const live = await stage.shows(/epoch \d+ of 20: val_f1 [▁-█]{3,}/);
    expect(JSON.stringify(live.blocks)).toContain('data_visualization');
    // No model was asked and no job was active meanwhile: the watcher alone did it.
    expect(stage.claude.requests.filter((r) => JSON.stringify(r.request.messages[0]).includes('tiny')).length).toBe(2);

    const again = await stage.until('the card of the second training', () =>
      stage.messages().findLast((m) => stage.button(m, 'approve_call') && m.ts > card.ts),
    );
    const calls = [...((await stage.session())?.calls.values() ?? [])].map((c) => c.tool);
    expect(calls).toEqual(['run_databricks_job', 'wait_for_job', 'get_grafana_panel', 'get_run_artifact', 'run_databricks_job']);
    // The distribution itself is in the thread before anybody is asked about another training.
    const pictures = stage.messages().filter((m) => m.ts > card.ts && m.ts < again.ts && m.files.some((f) => f.mimetype === 'image/png'));
    expect(pictures.length).toBeGreaterThan(0);
    await stage.click('U2', again, 'approve_call');
    const session = await stage.ended();
    expect(session.ended?.outcome).toBe('done');
    expect(
      stage
        .launches()
        .slice(before)
        .map((l) => l.parameters['feature_set']),
    ).toEqual(['tiny', 'v1']);
    expect([...session.calls.values()][1]?.woken.map((w) => w.why)).toContain('tripwire');
    expect(stage.messages().some((m) => m.ts > card.ts && /epoch \d+ of/.test(wordsOf(m)))).toBe(false);
  });

  test('stop it if it diverges: the own run is canceled without a question', async () => {
    await stage.command(DIVERGING);
    const card = await stage.card();
    await stage.click('U2', card, 'approve_call');
    const session = await stage.ended();
    const launch = stage.launches().at(-1);
    expect(launch?.canceledAt).toBeDefined();
    expect(session.approvals.size).toBe(1);
    const cancel = [...session.calls.values()].find((c) => c.tool === 'cancel_job_run');
    expect(cancel?.started?.rule).toBeTruthy();
    const final = await stage.shows('It diverged at step 3');
    expect(wordsOf(final)).toContain('Ended: the training run was stopped by its condition');
  });

  test('a stop asks what becomes of the run, and a click cancels it at Databricks', async () => {
    await stage.command(STOPPED);
    await stage.click('U2', await stage.card(), 'approve_call');
    await stage.shows(/training since/);
    await stage.click('U1', await stage.card('stop_session'), 'stop_session');
    const offer = await stage.card('cancel_run');
    expect((await stage.session())?.ended).toBeUndefined();
    expect(stage.launches().at(-1)?.canceledAt).toBeUndefined();
    await stage.click('U1', offer, 'cancel_run');
    const session = await stage.ended(30);
    expect(session.ended).toMatchObject({ outcome: 'stopped' });
    expect(session.ended?.text).toMatch(/^Stopped by <@U1>\. Canceled: run \d+/);
    expect(stage.launches().at(-1)?.canceledAt).toBeDefined();
    await stage.shows(/A run went on\n+Canceled: run \d+/);
  });

  test('where nobody says what becomes of it, its end is told when it comes', async () => {
    await stage.command(FORGOTTEN);
    await stage.click('U2', await stage.card(), 'approve_call');
    await stage.shows(/training since/);
    await stage.click('U1', await stage.card('stop_session'), 'stop_session');
    await stage.card('cancel_run');
    const session = await stage.ended(30);
    expect(session.ended?.text).toMatch(/^Stopped by <@U1>\. Run \d+ ended meanwhile \(SUCCEEDED\)\.$/);
    await stage.shows(/A run went on\n+Run \d+ ended meanwhile \(SUCCEEDED\)\.$/);
    stage.model.check();
  });
});
