import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import type { Got } from '../../src/sandbox/claude/conversation.ts';
import { wordsOf } from '../../src/sandbox/print-thread.ts';
import { field, startedBy, train } from './scripted-trainings.ts';
import { openStage, type StoryStage } from './stage.ts';

const CHAIN =
  'Run job 101 with feature_set=v2, fetch its metrics, open a pull request, note it in docs/experiments.md and write the record into the MLflow run.';
const FAN_OUT = 'Try feature_set v1, v2 and v3 side by side and tell me which is best by val_f1.';

function chain() {
  const wait = { run_ids: [] as string[] };
  const fetched = { run_id: '' };
  const row = { path: 'docs/experiments.md', row_key: 'feature-set-v2', columns: { change: 'feature_set v1 to v2', val_f1: '', verdict: 'kept' }, branch: '' };
  const described = { run_id: '', key: 'mlflow.note.content' };
  return {
    when: CHAIN,
    steps: [
      { say: 'I will train, read the figures, propose them, and note them.', calls: [train({ feature_set: 'v2' })] },
      {
        calls: [{ tool: 'wait_for_job', input: wait }],
        expect: (results: Got[]) => {
          wait.run_ids = startedBy(results);
        },
      },
      {
        calls: [{ tool: 'fetch_mlflow_run', input: fetched }],
        expect: ([waited]: Got[]) => {
          fetched.run_id = String(field(waited?.data, 'runs', 0, 'mlflow_run_ids', 0));
          described.run_id = fetched.run_id;
        },
      },
      {
        calls: [{ tool: 'create_github_pr', input: { repo: 'acme/ads', title: 'feat: feature set v2', body: 'Trained with feature_set=v2.' } }],
        expect: ([run]: Got[]) => {
          row.columns.val_f1 = String(field(run?.data, 'metrics', 'val_f1'));
          expect(Number(row.columns.val_f1)).toBeCloseTo(0.734192, 6);
        },
      },
      {
        calls: [
          { tool: 'update_tracking_doc', input: row },
          { tool: 'tag_run', input: described },
        ],
        expect: ([pull]: Got[]) => {
          row.branch = String(field(pull?.data, 'branch'));
        },
      },
      { say: 'Proposed, noted and described.' },
    ],
  };
}

function fanOut() {
  const wait = { run_ids: [] as string[], metric: 'val_f1' };
  return {
    when: FAN_OUT,
    steps: [
      { say: 'I will train the three side by side and rank them.', calls: ['v1', 'v2', 'v3'].map((feature_set) => train({ feature_set })) },
      {
        calls: [{ tool: 'wait_for_job', input: wait }],
        expect: (results: Got[]) => {
          wait.run_ids = startedBy(results);
        },
      },
      {
        say: 'v2 is best.',
        expect: ([waited]: Got[]) => {
          expect(field(waited?.data, 'ranking', 'best', 'name')).toBe('feature_set=v2');
          expect(field(waited?.data, 'ranking', 'of')).toBe(3);
          expect(String(field(waited?.data, 'ranking', 'noise', 'note'))).not.toBe('');
        },
      },
    ],
  };
}

describe('what comes after a training', () => {
  let stage: StoryStage;
  beforeAll(async () => {
    // Nobody here looks while it trains.
    stage = await openStage({ mode: 'socket', trainingSeconds: 2, scripts: [chain(), fanOut()] });
  });
  afterAll(async () => stage?.close());
  beforeEach(() => stage.begin());

  const firstQuestion = (card: string) =>
    JSON.stringify(stage.messages().find((m) => m.ts === card)?.blocks).match(/"action_id":"approve_call".*?"value":"([^"]+)"/)?.[1];
  const openQuestions = (card: string) => JSON.stringify(stage.messages().find((m) => m.ts === card)?.blocks).match(/"action_id":"approve_call"/g)?.length ?? 0;

  test('job, metrics, pull request, tracking document and the run: one after the other, each with its yes', async () => {
    await stage.command(CHAIN);
    for (const about of [/^Run job 101/m, /^Open a pull request/m, /^Add a row to docs\/experiments\.md/m, /^Set the tag mlflow\.note\.content/m]) {
      const card = await stage.until(`a card about ${about.source}`, async () => {
        const open = await stage.card();
        return about.test(wordsOf(open)) ? open : null;
      });
      const asked = firstQuestion(card.ts);
      await stage.click('U2', card, 'approve_call');
      // The card may get its next question in the same moment.
      await stage.until('the card to say so', () => firstQuestion(card.ts) !== asked);
    }
    const session = await stage.ended();
    expect([...session.calls.values()].map((c) => [c.tool, c.status.is === 'finished' && c.status.outcome.status])).toEqual(
      ['run_databricks_job', 'wait_for_job', 'fetch_mlflow_run', 'create_github_pr', 'update_tracking_doc', 'tag_run'].map((tool) => [tool, 'ok']),
    );
    const { variables } = stage.standIns;
    const headers = { authorization: `Bearer ${variables['GITHUB_TOKEN']}` };
    const branch = [...session.calls.values()].find((c) => c.tool === 'create_github_pr')?.started?.arguments['branch'];
    const doc = async (ref: unknown) => {
      const answer = await fetch(`${variables['GITHUB_API_URL']}/repos/acme/ads/contents/docs/experiments.md?ref=${encodeURIComponent(String(ref))}`, {
        headers,
      });
      return Buffer.from(((await answer.json()) as { content: string }).content, 'base64').toString();
    };
    expect(await doc(branch)).toMatch(/^\| feature-set-v2 \| feature_set v1 to v2 \| 0\.734192\d* \| kept \|/m);
    expect(await doc('main')).not.toContain('feature-set-v2');
    const described = [...session.calls.values()].find((c) => c.tool === 'tag_run')?.started?.arguments['run_id'];
    const tracked = await fetch(`${variables['MLFLOW_TRACKING_URI']}/api/2.0/mlflow/runs/get?run_id=${described}`, {
      headers: { authorization: `Bearer ${variables['MLFLOW_TRACKING_TOKEN']}` },
    });
    const tags = ((await tracked.json()) as { run: { data: { tags: { key: string; value: string }[] } } }).run.data.tags;
    const note = tags.find((t) => t.key === 'mlflow.note.content')?.value ?? '';
    expect(note).toContain(CHAIN);
    expect(note).toMatch(/Session e-\w+, record so far: line \d+, head [0-9a-f]{64}$/);
  });

  test('three at once: one card, one wait, one chart over all, the best of three with its noise', async () => {
    const before = stage.launches().length;
    await stage.command(FAN_OUT);
    // Each question is on the card as soon as it is looked up.
    const card = await stage.until('one card with three questions', async () => {
      const open = await stage.card();
      return openQuestions(open.ts) === 3 && open;
    });
    for (let n = 1; n <= 3; n++) {
      await stage.click('U2', card, 'approve_call');
      await stage.until(`${n} approvals`, async () => [...((await stage.session())?.approvals.values() ?? [])].filter((a) => a.votes.length > 0).length === n);
      await stage.until('the card to say so', () => openQuestions(card.ts) === 3 - n);
    }
    const session = await stage.ended(90);
    expect(
      stage
        .launches()
        .slice(before)
        .map((l) => l.parameters['feature_set'])
        .sort(),
    ).toEqual(['v1', 'v2', 'v3']);
    const chart = await stage.shows(/Best of 3: feature_set=v2/);
    expect(JSON.stringify(chart.blocks)).toContain('data_visualization');
    expect(wordsOf(chart)).toMatch(
      /Noise: Only feature_set=v1 was repeated\. The single run of feature_set=v2 lies [\d.]+ standard deviations from the mean of those \d+: more than its seeds explain .*Picked after the fact as the best of 3, which flatters it/,
    );
    expect(session.runs).toHaveLength(3);
    stage.model.check();
  });
});
