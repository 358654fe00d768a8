import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { type SlackStandIn, startSlackStandIn } from '../../src/sandbox/slack/slack-stand-in.ts';
import { slackService } from '../../src/services/slack.ts';
import { askPerson } from '../../src/tools/ask-person.ts';
import type { Plan, SessionFacts, ToolContext } from '../../src/tools/define-tool.ts';
import { postToSlack } from '../../src/tools/post-to-slack.ts';
import { recordOf } from '../session/logs.ts';

let workspace: SlackStandIn;
beforeEach(async () => {
  workspace = await startSlackStandIn({ mode: 'http', signingSecret: 's', botToken: 'xoxb-sandbox', appToken: 'xapp-1' });
});
afterEach(() => workspace.close());

const KEY = 'f'.repeat(64);
const facts = (more: Partial<SessionFacts> = {}): SessionFacts => ({
  id: 's1',
  alias: 'e-test',
  team: 'T1',
  channel: 'C0ML',
  thread: null,
  requester: 'U1',
  prompt: '',
  call: 'c1',
  runs: [],
  woken: [],
  approvedBy: [],
  record: recordOf(),
  postsOutside: 0,
  links: () => new Map(),
  ...more,
});
const context = (session: SessionFacts | null = facts()): ToolContext => ({
  services: { slack: slackService({ token: 'xoxb-sandbox', apiUrl: workspace.url }) },
  settings: { defaults: {}, metrics: {}, thresholdReading: 'relative', recordsPath: '', environments: {} },
  session,
  signal: new AbortController().signal,
  now: Date.now,
});
const plan = async (input: object, ctx = context()) => (await postToSlack.plan(postToSlack.input.parse(input) as never, ctx)) as Plan;

describe('post_to_slack', () => {
  test.each([
    ['#ml-experiments', 'C0ML', 'own-channel'],
    ['ML-experiments', 'C0ML', 'own-channel'],
    ['C0ML', 'C0ML', 'own-channel'],
    ['<#C0RANDOM|random>', 'C0RANDOM', 'elsewhere'],
    ['#random', 'C0RANDOM', 'elsewhere'],
  ])('%s is %s, %s', async (channel, id, place) => {
    const { touches, arguments: sent, preview } = await plan({ channel, text: 'val_f1 +0.2 %' });
    expect(touches).toEqual({ channel: id, place });
    expect(sent).toEqual({ channel: id, text: 'val_f1 +0.2 %' });
    expect(preview.summary).toBe(`Post to #${id === 'C0ML' ? 'ml-experiments' : 'random'}`);
  });

  test('a channel that is not there is told to the model; a thread that is not there yet is waited for', async () => {
    await expect(plan({ channel: '#nowhere', text: 'x' })).rejects.toThrow('NO_SUCH_CHANNEL');
    await expect(plan({ text: 'x' })).rejects.toMatchObject({ transient: true });
    expect(await plan({ text: 'x' }, context(facts({ thread: '1.1' })))).toMatchObject({ touches: { place: 'own-thread' }, arguments: { thread_ts: '1.1' } });
  });

  test('it posts what is approved, unable to mention anybody, and finds it again by its mark', async () => {
    const wanted = await plan({ channel: '#ml-experiments', text: '<!channel> see *this* \u202Eetah' });
    expect(await postToSlack.find?.(wanted, context(), KEY)).toBeNull();
    const posted = await postToSlack.run(wanted, context(), KEY);
    const [message] = workspace.world.data.messages;
    expect(message?.text).toBe('&lt;!channel&gt; see *this* \\u{202E}etah');
    expect(JSON.stringify(message?.blocks)).toContain('From experiment e-test');
    expect(posted).toMatchObject({ kind: 'done', data: { channel: 'C0ML', channel_name: 'ml-experiments', ts: message?.ts } });
    expect((posted as { text: string }).text).toMatch(/^Posted to #ml-experiments: http/);
    expect(await postToSlack.find?.(wanted, context(), KEY)).toMatchObject({ data: { ts: message?.ts } });
    expect(await postToSlack.find?.(wanted, context(), 'e'.repeat(64))).toBeNull();
  });

  test("the model's Markdown is what Slack shows, and a page this session has seen is a link with a name", async () => {
    const url = 'https://mlflow.example/#/runs/8f2a';
    const here = context(facts({ links: () => new Map([[url, 'run 8f2a']]) }));
    const wanted = await plan({ channel: '#ml-experiments', text: `Not enough:\n- **val_f1** +0.2 %\n\nNew run: ${url}` }, here);
    expect(wanted.arguments['text']).toContain(url);
    await postToSlack.run(wanted, here, KEY);
    expect(workspace.world.data.messages[0]?.blocks[0]).toMatchObject({
      type: 'rich_text',
      elements: [
        { type: 'rich_text_section', elements: [{ type: 'text', text: 'Not enough:' }] },
        {
          type: 'rich_text_list',
          style: 'bullet',
          indent: 0,
          elements: [
            {
              type: 'rich_text_section',
              elements: [
                { type: 'text', text: 'val_f1', style: { bold: true } },
                { type: 'text', text: ' +0.2 %' },
              ],
            },
          ],
        },
        {
          type: 'rich_text_section',
          elements: [
            { type: 'text', text: 'New run: ' },
            { type: 'link', url, text: '8f2a' },
          ],
        },
      ],
    });
  });

  test.each([
    ['signs', '<'.repeat(3_000)],
    ['many rows', `${'w'.repeat(40)}|x\n-|-\n${'&&&&&|x\n'.repeat(260)}`],
    ['many pieces', '**a** b '.repeat(437)],
    ['wide columns', `${'w'.repeat(40)}|x\n-|-\n${'a|x\n'.repeat(860)}`],
  ])('what is approved is posted whole, however much room it takes: %s', async (_what, text) => {
    const wanted = await plan({ channel: '#ml-experiments', text });
    await postToSlack.run(wanted, context(), KEY);
    const words =
      JSON.stringify(workspace.world.data.messages[0]?.blocks[0])
        .match(/"text":"[^"]*"/g)
        ?.map((t) => t.slice(8, -1)) ?? [];
    const letters = (said: string) =>
      said
        .replace(/&lt;/g, '<')
        .replace(/&amp;/g, '&')
        .replace(/\\n|[\s*|-]/g, '');
    expect(letters(words.join(''))).toBe(letters(text));
  });

  test.each([
    ['signs', '&'.repeat(3_500)],
    ['what cannot be seen', '\u200b'.repeat(2_000)],
  ])('what Slack would not take is asked of nobody: %s', async (_what, text) => {
    await expect(plan({ channel: '#ml-experiments', text })).rejects.toMatchObject({ code: 'TEXT_TOO_LONG', argument: ['text'] });
  });

  test('a thread of its own is home; any other one, even in its own channel, is elsewhere and asks', async () => {
    const here = context(facts({ thread: '1.1' }));
    expect((await plan({ text: 'x' }, here)).touches).toEqual({ channel: 'C0ML', place: 'own-thread' });
    expect((await plan({ text: 'x', channel: 'C0ML', thread_ts: '1.1' }, here)).touches).toEqual({ channel: 'C0ML', place: 'own-thread' });
    const other = await plan({ text: 'x', channel: 'C0ML', thread_ts: '2.2' }, here);
    expect(other).toMatchObject({ arguments: { channel: 'C0ML', thread_ts: '2.2', text: 'x' }, touches: { channel: 'C0ML', place: 'elsewhere' } });
    expect(other.preview.facts).toContainEqual({ label: 'Thread', value: '2.2' });
    expect((await plan({ text: 'x', channel: '#random', thread_ts: '1.1' }, here)).touches).toEqual({ channel: 'C0RANDOM', place: 'elsewhere' });
  });

  test('more than 3,500 characters and unknown keys are refused by name', () => {
    expect(postToSlack.input.safeParse({ text: 'x'.repeat(3_501) }).success).toBe(false);
    expect(JSON.stringify(postToSlack.input.safeParse({ text: 'x', blocks: [] }).error)).toContain('blocks');
    expect(postToSlack.input.safeParse({ text: 'x', thread_ts: 'latest' }).success).toBe(false);
  });
});

describe('ask_person', () => {
  const ask = (input: object, session: SessionFacts | null) => askPerson.run(askPerson.input.parse(input) as never, context(session));

  test('waits for an answer, of the requester unless somebody else is named', async () => {
    expect(await ask({ question: 'Which?', options: ['a', 'b'] }, facts())).toMatchObject({
      kind: 'wait',
      waiting: { for: 'answer', question: 'Which?', options: ['a', 'b'], to: 'U1', free_text: true },
    });
    expect(await ask({ question: 'Which?', to: '<@U2|sam>' }, facts())).toMatchObject({ waiting: { to: 'U2' } });
  });

  test('gives the answer once there is one, and needs a thread', async () => {
    const answer = { by: 'U2', text: 'b', at: '2026-11-01T09:00:00.000Z' };
    expect(await ask({ question: 'Which?' }, facts({ answer }))).toMatchObject({ kind: 'done', data: { status: 'answered', answer: 'b', by: 'U2' } });
    await expect(ask({ question: 'Which?' }, null)).rejects.toThrow('NO_SESSION');
  });

  test('takes a message that came while several questions were open for no answer', async () => {
    const interrupted = { by: 'U1', text: 'v2' };
    expect(await ask({ question: 'Which?' }, facts({ interrupted }))).toMatchObject({ kind: 'done', data: { status: 'interrupted', by: 'U1' } });
  });

  test('asks nobody in direct messages who cannot read them', async () => {
    await expect(ask({ question: 'Which?', to: 'U2' }, facts({ channel: 'D1' }))).rejects.toThrow('NOT_HERE');
    expect(await ask({ question: 'Which?', to: 'U1' }, facts({ channel: 'D1' }))).toMatchObject({ waiting: { to: 'U1' } });
  });
});
