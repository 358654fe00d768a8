import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import type { SandboxMessage, Snapshot, Traffic } from '../../src/sandbox/control-types.ts';
import { Blocks } from '../../src/sandbox/web/blocks/block.tsx';
import { type AxisChart, layoutChart, niceTicks, type PieChart } from '../../src/sandbox/web/blocks/chart-layout.ts';
import { clientErrors, viewValues } from '../../src/sandbox/web/blocks/state-values.ts';
import { type Surface, SurfaceProvider } from '../../src/sandbox/web/blocks/surface.ts';
import { completionAt, isWhole, parseCommand } from '../../src/sandbox/web/data/completion.ts';
import { formatPlace, parsePlace } from '../../src/sandbox/web/data/place.ts';
import { linesOf } from '../../src/sandbox/web/data/record.ts';
import { channelsOf, deciderOf, messageAt, modalOf, othersBefore, rootsOf, summaryOf, threadOf, waitingFor } from '../../src/sandbox/web/data/selection.ts';
import { gist, trafficShown } from '../../src/sandbox/web/data/traffic.ts';
import { parseMarkdown } from '../../src/sandbox/web/text/markdown.ts';
import { parseInline, parseMrkdwn } from '../../src/sandbox/web/text/mrkdwn.ts';
import type { Flow, Inline } from '../../src/sandbox/web/text/nodes.ts';
import { buildPage, pageFolder } from '../../src/sandbox/web-build.ts';
import type { SessionEvent } from '../../src/session/events.ts';
import { narrate } from '../../src/slack/narrate.ts';
import { FORMS } from '../../src/slack/parse-command.ts';
import { approved, asks, finished, opened, replied, sessionOf, told, waitsForAnswer } from '../session/logs.ts';
import { permissions } from '../slack/a-desk.ts';
import { draw } from './tiny-dom.ts';

const text = (words: string): Inline => ({ kind: 'text', text: words });
const paragraph = (...children: Inline[]): Flow => ({ kind: 'paragraph', children });

describe('mrkdwn', () => {
  const cases: [what: string, source: string, nodes: Inline[]][] = [
    [
      'bold, italic and strike nest',
      '*a _b ~c~_*',
      [{ kind: 'bold', children: [text('a '), { kind: 'italic', children: [text('b '), { kind: 'strike', children: [text('c')] }] }] }],
    ],
    ['markers inside words stay text', 'snake_case_name and 2*3*4', [text('snake_case_name and 2*3*4')]],
    ['a marker that never closes stays text', '*not bold', [text('*not bold')]],
    ['a marker before a space stays text', 'a * b * c', [text('a * b * c')]],
    ['code keeps its markers', '`*a* <b>`', [{ kind: 'code', text: '*a* <b>' }]],
    ['code inside bold is code', '*see `x`*', [{ kind: 'bold', children: [text('see '), { kind: 'code', text: 'x' }] }]],
    ['a link with a label', '<https://x.y/a?b=1&amp;c=2|there>', [{ kind: 'link', url: 'https://x.y/a?b=1&c=2', children: [text('there')] }]],
    [
      'a bare address ends before the full stop',
      'see https://x.y/a.',
      [text('see '), { kind: 'link', url: 'https://x.y/a', children: [text('https://x.y/a')] }, text('.')],
    ],
    [
      'people, channels, groups and broadcasts',
      '<@U1> <#C1|general> <!subteam^S1|@ml> <!here>',
      [
        { kind: 'user', id: 'U1', label: null },
        text(' '),
        { kind: 'channel', id: 'C1', label: 'general' },
        text(' '),
        { kind: 'group', id: 'S1', label: '@ml' },
        text(' '),
        { kind: 'broadcast', range: 'here' },
      ],
    ],
    ['a known emoji, and one we do not know', ':tada: :no_such_thing:', [{ kind: 'emoji', name: 'tada' }, text(' :no_such_thing:')]],
    ['escapes are undone once', '&lt;@U1&gt; &amp;lt;', [text('<@U1> &lt;')]],
    ['a time is not an emoji', '10:30:45', [text('10:30:45')]],
  ];
  it.each(cases)('%s', (_what, source, nodes) => {
    expect(parseInline(source)).toEqual(nodes);
  });

  it('never makes a link of anything but the web and mail', () => {
    for (const url of ['javascript:alert(1)', 'data:text/html,x', 'file:///etc/passwd', 'java\nscript:alert(1)']) {
      expect(JSON.stringify(parseInline(`<${url}|click>`)), url).not.toContain('"link"');
    }
  });

  it('knows quotes, lists and code blocks', () => {
    expect(parseMrkdwn('&gt; said\n&gt; twice\n• one\n• two\n1. first\n```\n*raw* &lt;b&gt;\n```\nend')).toEqual([
      { kind: 'quote', children: [paragraph(text('said'), { kind: 'break' }, text('twice'))] },
      {
        kind: 'list',
        ordered: false,
        start: 1,
        items: [
          { children: [text('one')], checked: null, nested: [] },
          { children: [text('two')], checked: null, nested: [] },
        ],
      },
      { kind: 'list', ordered: true, start: 1, items: [{ children: [text('first')], checked: null, nested: [] }] },
      { kind: 'code-block', text: '*raw* <b>', language: '' },
      paragraph(text('end')),
    ]);
    expect(parseMrkdwn('>>> all\nof it')).toEqual([{ kind: 'quote', children: [paragraph(text('all'), { kind: 'break' }, text('of it'))] }]);
  });
});

describe('markdown', () => {
  it('knows tables with alignment and bars in cells', () => {
    expect(parseMarkdown('| m | v |\n|:--|--:|\n| f1 \\| x | **0.7** |')).toEqual([
      {
        kind: 'table',
        align: ['left', 'right'],
        header: [[text('m')], [text('v')]],
        rows: [[[text('f1 | x')], [{ kind: 'bold', children: [text('0.7')] }]]],
      },
    ]);
  });

  it('knows headings, nested and task lists, code, quotes and rules', () => {
    const flows = parseMarkdown('# Title\n\n- [x] done\n- [ ] open\n  1. deeper\n\n> quoted\n\n---\n\n```python\nx = "*"\n```');
    expect(flows).toEqual([
      { kind: 'heading', level: 1, children: [text('Title')] },
      {
        kind: 'list',
        ordered: false,
        start: 1,
        items: [
          { children: [text('done')], checked: true, nested: [] },
          {
            children: [text('open')],
            checked: false,
            nested: [{ kind: 'list', ordered: true, start: 1, items: [{ children: [text('deeper')], checked: null, nested: [] }] }],
          },
        ],
      },
      { kind: 'quote', children: [paragraph(text('quoted'))] },
      { kind: 'rule' },
      { kind: 'code-block', text: 'x = "*"', language: 'python' },
    ]);
  });

  it('leaves names with underscores and escaped stars alone', () => {
    expect(parseMarkdown('val_f1_best \\*not\\* *yes* [a](javascript:x)')).toEqual([
      paragraph(text('val_f1_best *not* '), { kind: 'italic', children: [text('yes')] }, text(' [a](javascript:x)')),
    ]);
  });

  it('comes to an end on long and hostile text', () => {
    const hostile = ['*'.repeat(6000), '[('.repeat(3000), '`'.repeat(5000), '| '.repeat(3000), '<@'.repeat(3000)].join('\n');
    const began = Date.now();
    parseMarkdown(hostile);
    parseMrkdwn(hostile);
    expect(Date.now() - began).toBeLessThan(2000);
  });
});

const mrkdwn = (words: string) => ({ type: 'mrkdwn', text: words });
const plain = (words: string) => ({ type: 'plain_text', text: words });
const rich = (...elements: unknown[]) => ({ type: 'rich_text', elements: [{ type: 'rich_text_section', elements }] });
const span = (words: string, style?: object) => ({ type: 'text', text: words, ...(style ? { style } : {}) });

function surface(clicked: unknown[] = []): Surface {
  return {
    me: 'U1',
    user: (id) => ({ U1: 'Priya', U2: 'Sam' })[id] ?? null,
    channel: (id) => (id === 'C1' ? 'ml-experiments' : null),
    group: (id) => (id === 'S1' ? { handle: 'ml-approvers', mine: false } : null),
    permalink: () => null,
    people: [],
    channels: [],
    act: (actionId, value) => clicked.push([actionId, value]),
  };
}

const show = (blocks: unknown[], clicked: unknown[] = []) =>
  draw(
    <SurfaceProvider value={surface(clicked)}>
      <Blocks blocks={blocks} />
    </SurfaceProvider>,
  );

describe('blocks', () => {
  const shown: [type: string, block: object, words: string[]][] = [
    [
      'section',
      { text: mrkdwn('*hi* <@U2>'), fields: [mrkdwn('one'), plain('two :tada:')], accessory: { type: 'button', action_id: 'a', text: plain('Go') } },
      ['hi @Sam', 'one', 'two 🎉', 'Go'],
    ],
    ['header', { text: plain('Approval *needed*') }, ['Approval *needed*']],
    ['context', { elements: [mrkdwn('_soon_'), { type: 'image', alt_text: 'a cat' }] }, ['soon', 'Picture: a cat']],
    ['image', { alt_text: 'GPU use', slack_file: { id: 'F1' }, title: plain('Panel') }, ['Panel', 'Picture: GPU use']],
    [
      'input',
      { block_id: 'b', label: plain('Reason'), optional: true, hint: plain('short'), element: { type: 'plain_text_input', action_id: 'r' } },
      ['Reason (optional)', 'short'],
    ],
    ['markdown', { text: '**bold** and\n\n| a |\n|---|\n| 1 |' }, ['bold and', 'a1']],
    [
      'table',
      { rows: [[{ type: 'raw_text', text: 'metric' }], [{ type: 'raw_number', value: 0.73, text: '0.730' }], [rich(span('deep', { bold: true }))]] },
      ['metric', '0.730', 'deep'],
    ],
    ['data_table', { caption: 'Best runs', rows: [[{ type: 'raw_text', text: 'run' }], [{ type: 'raw_text', text: '8f2a' }]] }, ['Best runs', 'run', '8f2a']],
    [
      'plan',
      {
        title: 'The plan',
        tasks: [
          {
            type: 'task_card',
            task_id: 't',
            title: 'Train',
            status: 'complete',
            output: rich(span('run 7')),
            sources: [{ type: 'url', url: 'https://x.y', text: 'Run page' }],
          },
        ],
      },
      ['The plan', '1 done', 'Train', 'run 7', 'Run page'],
    ],
    ['task_card', { task_id: 't', title: 'Wait', status: 'in_progress', details: 'since 09:42' }, ['Wait', 'since 09:42']],
    [
      'card',
      { title: mrkdwn('*Title*'), subtitle: mrkdwn('sub'), body: mrkdwn('body'), actions: [{ type: 'button', action_id: 'a', text: plain('Open') }] },
      ['Title', 'sub', 'body', 'Open'],
    ],
    ['carousel', { elements: [{ type: 'card', title: mrkdwn('first') }] }, ['first']],
    ['alert', { level: 'warning', text: mrkdwn('careful') }, ['⚠️', 'careful']],
    ['container', { title: plain('Box'), child_blocks: [{ type: 'section', text: plain('inside') }] }, ['Box', 'inside']],
    [
      'context_actions',
      {
        elements: [
          {
            type: 'feedback_buttons',
            action_id: 'f',
            positive_button: { text: plain('Good'), value: 'g' },
            negative_button: { text: plain('Bad'), value: 'b' },
          },
        ],
      },
      ['👍', '👎'],
    ],
    ['video', { title: plain('Talk'), video_url: 'https://x.y/v', alt_text: 'a talk' }, ['Talk', 'a talk']],
    [
      'rich_text',
      {
        elements: [
          {
            type: 'rich_text_section',
            elements: [
              span('a', { code: true }),
              { type: 'user', user_id: 'U1' },
              { type: 'usergroup', usergroup_id: 'S1' },
              { type: 'channel', channel_id: 'C1' },
              { type: 'emoji', name: 'tada' },
              { type: 'broadcast', range: 'here' },
              { type: 'color', value: '#fff' },
              { type: 'link', url: 'https://x.y', text: 'x' },
              { type: 'date', timestamp: 0, format: '{date_num}' },
            ],
          },
          { type: 'rich_text_list', style: 'ordered', elements: [{ type: 'rich_text_section', elements: [span('item')] }] },
          { type: 'rich_text_quote', elements: [span('quote')] },
          { type: 'rich_text_preformatted', elements: [span('pre')] },
        ],
      },
      ['a@Priya@ml-approvers#ml-experiments🎉@here#fffx1970-01-01', 'item', 'quote', 'pre'],
    ],
    [
      'data_visualization',
      {
        title: 'val_f1',
        chart: {
          type: 'bar',
          series: [
            { name: 'v2', data: [{ label: 'a', value: 2 }] },
            { name: 'v1', data: [{ label: 'a', value: 1 }] },
          ],
          axis_config: { categories: ['a'], y_label: 'f1' },
        },
      },
      ['val_f1', 'v2', 'v1', 'f1'],
    ],
  ];
  it.each(shown)('%s shows all its words', (type, block, words) => {
    const drawn = show([{ type, ...block }]);
    for (const each of words) expect(drawn.textContent).toContain(each);
    expect(drawn.textContent).not.toContain('What was posted');
  });

  it('shows a block it does not know, or cannot draw, as JSON', () => {
    expect(show([{ type: 'hologram', beam: true }]).textContent).toContain('"beam": true');
    expect(show([null, 42, { type: 'data_visualization', chart: { type: 'line', series: [] } }]).textContent.match(/What was posted/g)).toHaveLength(3);
    // A malformed block is drawn as far as it goes, and takes nothing else down.
    expect(
      show([
        { type: 'table', rows: 'x' },
        { type: 'plan', tasks: [7] },
        { type: 'section', text: mrkdwn('still here') },
      ]).textContent,
    ).toContain('still here');
  });

  it('never turns text into elements, attributes or handlers', () => {
    const evil = '<img src=x onerror=alert(1)> &lt;script&gt;alert(1)&lt;/script&gt; <javascript:alert(1)|click>';
    const drawn = show([
      { type: 'section', text: mrkdwn(evil) },
      { type: 'markdown', text: `${evil} [click](javascript:alert(1))` },
      rich(span(evil), { type: 'link', url: 'javascript:alert(1)', text: 'click' }),
      { type: 'image', alt_text: 'x', image_url: 'javascript:alert(1)' },
      { type: 'actions', elements: [{ type: 'button', action_id: 'a', text: plain('Go'), url: 'javascript:alert(1)' }] },
    ]);
    expect(drawn.all((each) => ['img', 'script', 'a'].includes(each.localName))).toEqual([]);
    expect(drawn.textContent).toContain('<img src=x onerror=alert(1)>');
  });

  it('opens links in a new tab that learns nothing of this one', () => {
    const link = show([{ type: 'section', text: mrkdwn('<https://x.y|there>') }]).find('a');
    expect(link.getAttribute('target')).toBe('_blank');
    expect(link.getAttribute('rel')).toBe('noopener noreferrer');
  });

  it('sends a click with its action id and value, after the confirmation where there is one', async () => {
    const clicked: unknown[] = [];
    const button = {
      type: 'button',
      text: plain('Stop'),
      value: 'v1',
      confirm: { title: plain('Sure?'), text: plain('Really.'), confirm: plain('Do it'), deny: plain('No') },
    };
    const drawn = show(
      [
        {
          type: 'actions',
          elements: [
            { ...button, action_id: 'go', confirm: undefined },
            { ...button, action_id: 'stop_session' },
          ],
        },
      ],
      clicked,
    );
    drawn.find('button', ['data-action-id', 'go']).fire('click');
    expect(clicked).toEqual([['go', 'v1']]);
    drawn.find('button', ['data-action-id', 'stop_session']).fire('click');
    await drawn.settled();
    expect(clicked).toHaveLength(1);
    expect(drawn.find('dialog').textContent).toBe('Sure?Really.NoDo it');
    drawn.find('button', ['data-testid', 'confirm-yes']).fire('click');
    expect(clicked).toEqual([
      ['go', 'v1'],
      ['stop_session', 'v1'],
    ]);
  });

  it('pages through a long data table', async () => {
    const rows = [[{ type: 'raw_text', text: 'run' }], ...Array.from({ length: 7 }, (_, at) => [{ type: 'raw_text', text: `run-${at}` }])];
    const drawn = show([{ type: 'data_table', caption: 'All', rows, page_size: 5 }]);
    expect(drawn.textContent).toContain('1–5 of 7 rows');
    expect(drawn.textContent).not.toContain('run-5');
    drawn.all((each) => each.localName === 'button' && each.textContent === 'Next')[0]?.fire('click');
    await drawn.settled();
    expect(drawn.textContent).toContain('run-6');
  });
});

describe('charts', () => {
  it('picks round ticks that cover the values', () => {
    expect(niceTicks(0.43, 0.73)).toEqual([0.4, 0.5, 0.6, 0.7, 0.8]);
    expect(niceTicks(0, 7)).toEqual([0, 2, 4, 6, 8]);
    expect(niceTicks(-3, 12)).toEqual([-5, 0, 5, 10, 15]);
    expect(niceTicks(5, 5).length).toBeGreaterThan(1);
  });

  it('draws bars from zero and keeps every mark inside the plot', () => {
    const chart = layoutChart(
      {
        type: 'bar',
        series: [
          {
            name: 's',
            data: [
              { label: 'a', value: 0.7 },
              { label: 'b', value: -0.2 },
            ],
          },
        ],
        axis_config: { categories: ['a', 'b'] },
      },
      320,
    ) as AxisChart;
    expect(chart.yTicks.map((tick) => tick.label)).toContain('0.0');
    for (const { bars } of chart.series) {
      for (const bar of bars) {
        expect(bar.x).toBeGreaterThanOrEqual(chart.plot.left);
        expect(bar.x + bar.width).toBeLessThanOrEqual(chart.plot.right);
        expect(bar.y + bar.height).toBeLessThanOrEqual(chart.plot.bottom + 0.1);
      }
    }
  });

  it('thins out category labels rather than print them over each other', () => {
    const categories = Array.from({ length: 20 }, (_, at) => `epoch-${at}`);
    const chart = layoutChart(
      { type: 'line', series: [{ name: 's', data: categories.map((label, at) => ({ label, value: at })) }], axis_config: { categories } },
      320,
    ) as AxisChart;
    expect(chart.series[0]?.points).toHaveLength(20);
    expect(chart.xTicks.length).toBeLessThan(8);
  });

  it('shares out a pie, and skips what is no number', () => {
    const pie = layoutChart({
      type: 'pie',
      segments: [
        { label: 'a', value: 3 },
        { label: 'b', value: 1 },
        { label: 'c', value: 'x' },
      ],
    }) as PieChart;
    expect(pie.segments.map((each) => each.share)).toEqual([0.75, 0.25, 0]);
    expect(layoutChart({ type: 'line', series: [{ name: 's', data: [{ label: 'a', value: Number.NaN }] }] })).toBeNull();
  });
});

describe('forms', () => {
  const view = {
    blocks: [
      { type: 'input', block_id: 'reason', label: plain('Reason'), element: { type: 'plain_text_input', action_id: 'r', min_length: 3 } },
      { type: 'input', block_id: 'kind', optional: true, label: plain('Kind'), element: { type: 'static_select', action_id: 'k', options: [] } },
      {
        type: 'input',
        block_id: 'also',
        optional: true,
        label: plain('Also'),
        element: { type: 'checkboxes', action_id: 'c', options: [], initial_options: [{ value: 'x' }] },
      },
      { type: 'section', block_id: 'who', text: plain('Who'), accessory: { type: 'users_select', action_id: 'u' } },
    ],
  };
  it('hands over every field, null or initial where nobody touched it', () => {
    expect(viewValues(view, { reason: { r: { type: 'plain_text_input', value: 'no' } } })).toEqual({
      reason: { r: { type: 'plain_text_input', value: 'no' } },
      kind: { k: { type: 'static_select', selected_option: null } },
      also: { c: { type: 'checkboxes', selected_options: [{ value: 'x' }] } },
      who: { u: { type: 'users_select', selected_user: null } },
    });
  });
  it('refuses what Slack itself would refuse', () => {
    expect(clientErrors(view, {})).toEqual({ reason: 'Please fill in this field; it is required.' });
    expect(clientErrors(view, { reason: { r: { type: 'plain_text_input', value: 'no' } } })).toEqual({ reason: 'Please use at least 3 characters.' });
    expect(clientErrors(view, { reason: { r: { type: 'plain_text_input', value: 'because' } } })).toEqual({});
  });
});

function message(ts: string, more: Partial<SandboxMessage> = {}): SandboxMessage {
  return { channel: 'C1', ts, threadTs: null, user: 'UBOT', bot: true, text: '', blocks: [], onlyFor: null, edited: false, files: [], metadata: null, ...more };
}

const snapshot: Snapshot = {
  version: 1,
  team: 'Acme',
  bot: 'UBOT',
  users: (
    [
      ['U1', 'priya', 'requester'],
      ['U2', 'sam', 'approver'],
      ['U4', 'oscar', 'outsider'],
      ['UBOT', 'labmate', 'bot'],
    ] as const
  ).map(([id, name, role]) => ({ id, name, realName: name, role, guest: false, deleted: false })),
  channels: [
    { id: 'C1', name: 'ml-experiments' },
    { id: 'D1', name: 'labmate', im: 'U1' },
    { id: 'D2', name: 'labmate', im: 'U2' },
  ],
  groups: [{ id: 'S1', handle: 'ml-approvers', users: ['U2'] }],
  messages: [
    message('2.0', { text: 'for <@U1>' }),
    message('1.0', { text: 'only you', onlyFor: 'U4' }),
    message('4.0', { threadTs: '2.0', user: 'U1', bot: false, text: 'thanks' }),
    message('3.0', { threadTs: '2.0', text: '<!subteam^S1> please', blocks: [{ type: 'actions', elements: [{ type: 'button', action_id: 'approve_call' }] }] }),
    message('5.0', { threadTs: '2.0', text: 'you may not', onlyFor: 'U4' }),
  ],
  modals: [{ id: 'V1', user: 'U2', view: {}, errors: {} }],
  homes: {},
  banner: '',
  simulated: [],
};

describe('who sees what', () => {
  it('shows what is private only to its person', () => {
    expect(rootsOf(snapshot, 'C1', 'U1').map((each) => each.ts)).toEqual(['2.0']);
    expect(rootsOf(snapshot, 'C1', 'U4').map((each) => each.ts)).toEqual(['1.0', '2.0']);
    expect(threadOf(snapshot, 'C1', '2.0', 'U1').replies.map((each) => each.ts)).toEqual(['3.0', '4.0']);
    expect(threadOf(snapshot, 'C1', '2.0', 'U4').replies.map((each) => each.ts)).toEqual(['3.0', '4.0', '5.0']);
    expect(channelsOf(snapshot, 'U2').direct.map((each) => each.id)).toEqual(['D2']);
    expect([modalOf(snapshot, 'U1'), modalOf(snapshot, 'U2')?.id]).toEqual([null, 'V1']);
  });
  it('counts in a summary only what everybody sees', () => {
    expect(summaryOf(threadOf(snapshot, 'C1', '2.0', 'U4').replies)).toEqual({ count: 2, people: ['UBOT', 'U1'], last: '4.0' });
    expect(summaryOf([])).toBeNull();
  });
  it('counts for each person the approvals and questions that wait for them, and no mention beside', () => {
    const runs = [
      { id: 'c1', tool: 'run_databricks_job' },
      { id: 'c2', tool: 'run_databricks_job' },
      { id: 'c3', tool: 'ask_person' },
    ];
    const events = [opened(), replied(1, runs), asks('c1', 's1/1'), asks('c2', 's1/2'), waitsForAnswer('c3')];
    const waiting = (...more: SessionEvent[]) => {
      // U4 asked for it, and is a member of the group that may approve.
      const s = sessionOf([{ ...opened(), by: 'U4' }, ...events.slice(1), ...more]);
      const slots = narrate(s, { approvers: permissions.approvers, now: Date.parse('2026-11-02T08:00:00Z') });
      expect(slots.map((slot) => slot.name)).toContain('reminder:card:2');
      const messages = slots.flatMap((slot, i) => ('blocks' in slot ? [message(`${i}.0`, { text: slot.text, blocks: slot.blocks as never })] : []));
      return waitingFor({ ...snapshot, groups: [{ id: 'S1', handle: 'ml-approvers', users: ['U2', 'U4'] }], messages });
    };
    expect(waiting()).toEqual({ U1: 1, U2: 2 });
    expect(waiting(approved('c1'), told('b', 'message', 'asked', 'U1'), finished('c3'))).toEqual({ U2: 1 });
  });
  it('knows whether other experiments ran before a thread came to its end', () => {
    const of = (ts: string, session: string, threadTs: string | null = null) => message(ts, { threadTs, metadata: { event_payload: { session } } });
    // The thread has two experiments of its own: the second goes on with the first.
    const thread = [of('2.0', 's2'), of('2.1', 's2', '2.0'), message('2.2', { threadTs: '2.0', user: 'U1', bot: false }), of('2.3', 's3', '2.0')];
    const warns = (...others: SandboxMessage[]) => othersBefore({ ...snapshot, messages: [...thread, ...others] }, 'C1', '2.0');
    expect([warns(), warns(message('1.0', { text: 'hello' })), warns(of('3.0', 's4'))]).toEqual([false, false, false]);
    expect([warns(of('1.0', 's1')), warns({ ...of('2.2', 's4'), channel: 'C2' })]).toEqual([true, true]);
  });
  it('finds the message a permalink names, for those who may see it', () => {
    const with6 = { ...snapshot, messages: [message('1795343901.365000', { threadTs: '2.0' }), message('1795343902.000100', { onlyFor: 'U4' })] };
    const at = (url: string, me = 'U1') => messageAt(with6, `http://127.0.0.1:9/archives/${url}`, me)?.threadTs;
    expect(at('C1/p1795343901365000')).toBe('2.0');
    expect(at('C1/p1795343901365000?thread_ts=2.0')).toBe('2.0');
    expect([at('C2/p1795343901365000'), at('C1/p1795343902000100'), at('C1')]).toEqual([undefined, undefined, undefined]);
  });
  it('offers to become who may decide, to those who may not', () => {
    const { replies } = threadOf(snapshot, 'C1', '2.0', 'U1');
    expect(deciderOf(replies, snapshot, 'U1')?.id).toBe('U2');
    expect(deciderOf(replies, snapshot, 'U2')).toBeNull();
    expect(deciderOf(replies.slice(1), snapshot, 'U1')).toBeNull();
  });
});

describe('typing', () => {
  const labels = (words: string, inThread = false) => completionAt(words, words.length, snapshot, inThread)?.options.map((each) => each.label);
  it('completes a command at the start, people and channels anywhere', () => {
    expect(labels('/e')?.[0]).toBe('/experiment');
    expect(labels('/e', true)).toBeUndefined();
    expect(labels('hello @')?.[0]).toBe('@labmate');
    expect(labels('hello @sa')).toEqual(['@sam']);
    expect(labels('post to #ml')).toEqual(['#ml-experiments']);
    expect(labels('mail me at a@sa')).toBeUndefined();
    expect(labels('/experiment Run it')).toBeUndefined();
  });
  it('completes every subcommand that `help` lists; what is still to be named comes after a space', () => {
    const forms = Object.values(FORMS).map((form) => `/experiment ${form}`);
    expect(labels('/experiment ')?.toSorted()).toEqual(forms.toSorted());
    const stop = completionAt('/experiment st', 14, snapshot, false)?.options.map((each) => each.insert);
    expect(stop).toEqual(['/experiment status', '/experiment stop ']);
  });
  it('knows a command that is typed out, which Enter sends, from one that is to be completed first', () => {
    expect(['/experiment', '/experiment ', '/experiment list'].map(isWhole)).toEqual([true, true, true]);
    expect(['/exp', '/experiment li', '/experiment sta', '/experiment show', '@labmate'].map(isWhole)).toEqual([false, false, false, false, false]);
  });
  it('splits a command from its text, over several lines', () => {
    expect(parseCommand('/experiment Run it\nthen wait')).toEqual({ command: '/experiment', text: 'Run it\nthen wait' });
    expect(parseCommand('/experiment')).toEqual({ command: '/experiment', text: '' });
    expect(parseCommand('what is 1/2')).toBeNull();
  });
  it('keeps where one is in the address', () => {
    const place = { as: 'U2', channel: 'C1', thread: '2.0', drawer: 'traffic' } as const;
    expect(parsePlace(formatPlace(place))).toEqual(place);
    expect(parsePlace('#drawer=nonsense')).toEqual({ as: null, channel: null, thread: null, drawer: null });
  });
});

describe('traffic', () => {
  const all: Traffic[] = [
    { n: 1, at: 0, with: 'slack', direction: 'in', what: 'chat.postMessage', body: { channel: 'C1' }, answer: { ok: true, ts: '2.0' } },
    { n: 2, at: 0, with: 'slack', direction: 'in', what: 'chat.postMessage', body: { channel: 'C1', thread_ts: '2.0' }, answer: { ok: true, ts: '3.0' } },
    { n: 3, at: 0, with: 'claude', direction: 'in', what: 'POST /v1/messages', body: {} },
    { n: 4, at: 0, with: 'slack', direction: 'out', what: 'block_actions', body: { payload: { container: { message_ts: '2.0' } } } },
  ];
  it('shows the newest first, by service, and of one message only its own', () => {
    const numbers = (services: Traffic['with'][], about: { ts: string } | null) => trafficShown(all, new Set(services), about).map((each) => each.n);
    expect(numbers(['slack', 'claude'], null)).toEqual([4, 3, 2, 1]);
    expect(numbers(['claude'], null)).toEqual([3]);
    expect(numbers(['slack'], { ts: '2.0' })).toEqual([4, 1]);
  });
});

describe('the gist of an exchange', () => {
  const of = (body: unknown) => gist({ n: 1, at: 0, with: 'slack', direction: 'out', what: 'socket', body });
  it('names the event, the command, the button, the view or the message', () => {
    expect(of({ payload: { event: { type: 'message', subtype: 'message_changed' } } })).toBe('message_changed');
    expect(of({ payload: { command: '/experiment', text: 'Run it' } })).toBe('/experiment Run it');
    expect(of({ payload: { type: 'block_actions', actions: [{ action_id: 'approve_call' }] } })).toBe('approve_call');
    expect(of({ payload: { type: 'view_submission', view: { callback_id: 'deny_reason' } } })).toBe('deny_reason');
    expect(of({ channel: 'C1', text: 'a &lt; b\nand more' })).toBe('a < b');
    expect(of(null)).toBe('');
  });
});

describe('the log of a session', () => {
  it('names a call by its tool, also where it waits', () => {
    const lines = [
      { seq: 2, type: 'replied', calls: [{ id: 'toolu_63e6', tool: 'run_databricks_job' }], content: [{ type: 'text', text: 'My plan' }] },
      { seq: 3, type: 'call_parked', call: 'toolu_63e6', waiting: { for: 'approval', preview: { summary: 'Run job 101' } } },
    ];
    expect(linesOf(lines.map((line) => JSON.stringify(line))).map(({ gist }) => gist)).toEqual([
      'calls run_databricks_job · My plan',
      'run_databricks_job · waits for approval · Run job 101',
    ]);
  });
});

describe('the bundle', () => {
  let folder = '';
  afterAll(() => rm(folder, { recursive: true, force: true }));

  it('is a page, one script and one stylesheet that need nothing from elsewhere', async () => {
    folder = await mkdtemp(join(tmpdir(), 'labmate-page-'));
    await buildPage(folder);
    expect((await readdir(folder)).sort()).toEqual(['index.html', 'page.css', 'page.js', 'page.js.map']);
    const [html, script, css] = await Promise.all(['index.html', 'page.js', 'page.css'].map((file) => readFile(join(folder, file), 'utf8')));
    expect(html).toContain('src="page.js"');
    expect(html).toContain('Content-Security-Policy');
    expect(script).toContain('composer-');
    expect(css).not.toMatch(/@import|url\(http/);
    expect(Buffer.byteLength(script ?? '')).toBeLessThan(150_000);
  });

  it('has no way to make HTML out of text', async () => {
    const source = join(import.meta.dirname, '../../src/sandbox/web');
    const files = (await readdir(source, { recursive: true })).filter((file) => /\.tsx?$/.test(file));
    expect(files.length).toBeGreaterThan(30);
    for (const file of files)
      expect(/innerHTML|outerHTML|insertAdjacentHTML|document\.write/i.test(await readFile(join(source, file), 'utf8')), file).toBe(false);
  });

  it('is built for a checkout whenever the page is asked for', async () => {
    expect(await readdir(await pageFolder())).toContain('page.js');
  });
});
