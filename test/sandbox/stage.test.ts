import { WebClient } from '@slack/web-api';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import type { Backends } from '../../src/sandbox/backends.ts';
import type { SandboxMessage } from '../../src/sandbox/control-types.ts';
import { printThread } from '../../src/sandbox/print-thread.ts';
import { findScenario, playScenario, scenarios } from '../../src/sandbox/scenario.ts';
import { channels, users } from '../../src/sandbox/slack/seed.ts';
import { type SlackStandIn, startSlackStandIn } from '../../src/sandbox/slack/slack-stand-in.ts';
import { snapshotOf } from '../../src/sandbox/snapshot.ts';
import { type Stage, setStage } from '../../src/sandbox/stage.ts';

let slack: SlackStandIn;
let bot: WebClient;
let stage: Stage;
const runs: { runId: string; jobId: string; parameters: Record<string, string>; result: string | null }[] = [];
const backends: Backends = { runs: async () => runs, pulls: async () => [], marked: async () => [], tags: async () => ({}) };
const parts = () => ({ act: slack.act, snapshot: () => snapshotOf(slack.world, slack.origin, { banner: '', simulated: [] }), backends, patienceMs: 150 });

beforeAll(async () => {
  slack = await startSlackStandIn({ mode: 'socket', signingSecret: 's', botToken: 'xoxb-t', appToken: 'xapp-t', times: { ackMs: 50, retryAfterMs: [] } });
  bot = new WebClient('xoxb-t', { slackApiUrl: slack.url, retryConfig: { retries: 0 } });
});
afterAll(() => slack.close());
beforeEach(() => {
  slack.reset();
  runs.length = 0;
  stage = setStage(parts());
});

describe('the stage', () => {
  test('waiting in vain ends with a sentence that says for what', async () => {
    await expect(stage.until('a miracle', async () => false)).rejects.toThrow('Waited 0 s for a miracle, and it did not come.');
  });

  test('a person whom Slack turns away says why', async () => {
    await expect(stage.priya.command('/experiment', 'x')).rejects.toThrow('U1 could not command: dispatch_failed.');
  });

  test('a scenario that goes wrong is printed with its reason, and is not a success', async () => {
    const written: string[] = [];
    const ok = await playScenario(findScenario('ablation'), parts(), (text) => written.push(text));
    expect(ok).toBe(false);
    expect(written.join('')).toContain('/experiment failed with the error "dispatch_failed"');
    expect(written.at(-1)).toMatch(/^ablation: FAILED after .* U1 could not command: dispatch_failed\.\n$/);
  });

  test('a run that nobody approved fails a scenario in which nothing may run', async () => {
    const { nothingDone } = await import('../../src/sandbox/scenarios/checks.ts');
    runs.push({ runId: '1', jobId: '101', parameters: {}, result: null });
    await nothingDone(stage, { runs: ['1'], pulls: [] });
    await expect(nothingDone(stage, { runs: [], pulls: [] })).rejects.toThrow('1 training runs were started, and there should be none.');
  });

  test('an unknown name is answered with all there are', () => {
    expect(() => findScenario('magic')).toThrow(/There is no scenario "magic"[\s\S]*ablation[\s\S]*follow-up/);
    expect(scenarios.map((s) => s.name)).toEqual([
      'ablation',
      'no-gain',
      'denied',
      'job-fails',
      'prod-refused',
      'unknown-config',
      'unknown-key',
      'follow-up',
      'rerun',
      'drop-below',
      'diverges',
      'fan-out',
      'chain',
      'mount',
      'not-a-scheduler',
    ]);
  });
});

test('what the bot posts into the channel is told from threads and whispers', async () => {
  await bot.chat.postMessage({ channel: 'C0ML', text: 'a post' });
  await bot.chat.postEphemeral({ channel: 'C0ML', user: 'U1', text: 'a whisper' });
  await slack.act({ as: 'U1', do: 'say', text: 'a person', channel: 'C0ML' });
  expect((await stage.posts()).map((m) => m.text)).toEqual(['a post']);
  expect((await stage.priya.told()).map((m) => m.text)).toEqual(['a whisper']);
});

test('a thread is printed with names, plans, tables, charts and buttons', () => {
  const message = (over: Partial<SandboxMessage>): SandboxMessage => ({
    ...{ channel: 'C0ML', ts: '1.1', threadTs: null, user: 'UBOT', bot: true, text: '', blocks: [], onlyFor: null, edited: false, files: [], metadata: null },
    ...over,
  });
  const rich = (...elements: unknown[]) => ({ type: 'rich_text', elements });
  const text = (words: string) => ({ type: 'text', text: words });
  const line = (...elements: unknown[]) => ({ type: 'rich_text_section', elements });
  const printed = printThread(
    [
      message({ user: 'U1', bot: false, text: '<@UBOT> is 1 &lt; 2 in <#C0ML|ml-experiments>?' }),
      message({
        edited: true,
        blocks: [
          { type: 'header', text: { type: 'plain_text', text: 'Verdict' } },
          { type: 'section', text: { type: 'mrkdwn', text: '*Better*, see <https://x.test/1|run 1>' }, fields: [{ type: 'mrkdwn', text: 'F1' }] },
          rich(line(text('asked by '), { type: 'user', user_id: 'U2' }), { type: 'rich_text_list', elements: [line(text('one')), line(text('two'))] }),
          rich({ type: 'rich_text_quote', elements: [text('a\nb')] }),
          { type: 'plan', title: 'Plan', tasks: [{ type: 'task_card', title: 'Train', status: 'complete', output: rich(line(text('in 4 s'))) }] },
          {
            type: 'data_table',
            caption: 'Metrics',
            rows: [
              [
                { type: 'raw_text', text: 'val_f1' },
                { type: 'raw_number', value: 0.7, text: '0.70' },
              ],
            ],
          },
          {
            type: 'data_visualization',
            title: 'val_f1',
            chart: {
              type: 'line',
              series: [
                {
                  name: 'new',
                  data: [
                    { label: '1', value: 0.1 },
                    { label: '2', value: 0.7 },
                  ],
                },
              ],
            },
          },
          { type: 'actions', elements: [{ type: 'button', text: { type: 'plain_text', text: 'Approve' } }] },
          { type: 'novelty', x: 1 },
        ],
      }),
      message({ onlyFor: 'U4', text: 'You may not.', files: [{ name: 'a.png', title: 'Loss', alt: '', mimetype: 'image/png', url: 'http://x.test/a.png' }] }),
    ],
    users,
    channels,
  );
  expect(printed).toMatchInlineSnapshot(`
    "Priya
        @labmate is 1 < 2 in #ml-experiments?

    labmate (edited)
        VERDICT
        *Better*, see run 1 (https://x.test/1)
        · F1
        asked by @Sam
        - one
        - two
        > a
        > b
        Plan: Plan
        [x] Train
            in 4 s
        Metrics
        | val_f1 | 0.70 |
        [chart val_f1] new 1: 0.1 … 2: 0.7
        [ Approve ]
        [novelty] {"type":"novelty","x":1}

    labmate (only Oscar sees this)
        You may not.
        [file Loss] http://x.test/a.png"
  `);
});
