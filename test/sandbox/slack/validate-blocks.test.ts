import { describe, expect, test } from 'vitest';
import { refuseBlocks, type Surface } from '../../../src/sandbox/slack/validate-blocks.ts';
import { refuseView } from '../../../src/sandbox/slack/validate-view.ts';

const x = (n: number) => 'x'.repeat(n);
const times = <T>(n: number, make: (i: number) => T) => Array.from({ length: n }, (_, i) => make(i));
const plain = (text: string) => ({ type: 'plain_text', text });
const mrkdwn = (text: string) => ({ type: 'mrkdwn', text });
const section = (n = 1) => ({ type: 'section', text: mrkdwn(x(n)) });
const button = (over: Record<string, unknown> = {}) => ({ type: 'button', action_id: 'a', text: plain('Go'), ...over });
const actions = (...elements: unknown[]) => ({ type: 'actions', elements });
const row = (...cells: string[]) => cells.map((text) => ({ type: 'raw_text', text }));
const dataTable = (rows: unknown[], over = {}) => ({ type: 'data_table', caption: 'Metrics', rows, ...over });
const task = (over = {}) => ({ type: 'task_card', task_id: '1', title: 'Train', status: 'pending', ...over });
const line = (series: unknown[], categories: string[]) => ({
  type: 'data_visualization',
  title: 'val_f1',
  chart: { type: 'line', series, axis_config: { categories } },
});
const chart = (n: number) => {
  const labels = times(n, String);
  return line([{ name: 'new', data: labels.map((label) => ({ label, value: 1 })) }], labels);
};

const good: [string, unknown[]][] = [
  ['50 blocks', times(50, () => section())],
  ['a section of 3000', [section(3000)]],
  ['a button of 75', [actions(button({ text: plain(x(75)), value: x(2000) }))]],
  ['a plan with tasks', [{ type: 'plan', title: 'Plan', tasks: [task(), task({ status: 'error' })] }]],
  [
    'a table with numbers',
    [
      dataTable([
        row('a', 'b'),
        [
          { type: 'raw_text', text: 'n' },
          { type: 'raw_number', value: 0.5, text: '0.5' },
        ],
      ]),
    ],
  ],
  ['two charts of 20 points', [chart(20), chart(1)]],
  ['13,200 characters in all', [...times(4, () => section(3000)), section(1200)]],
];

const bad: [string, unknown, string, Surface?][] = [
  ['no list', {}, 'invalid_blocks_format'],
  ['51 blocks', times(51, () => section()), 'invalid_blocks'],
  ['an unknown type', [{ type: 'marquee' }], 'invalid_blocks'],
  ['an empty text', [{ type: 'section', text: mrkdwn('') }], 'invalid_blocks'],
  ['a section of 3001', [section(3001)], 'invalid_blocks'],
  ['a section with nothing', [{ type: 'section' }], 'invalid_blocks'],
  ['11 fields', [{ type: 'section', fields: times(11, () => mrkdwn('f')) }], 'invalid_blocks'],
  ['a field of 2001', [{ type: 'section', fields: [mrkdwn(x(2001))] }], 'invalid_blocks'],
  ['a header of 151', [{ type: 'header', text: plain(x(151)) }], 'invalid_blocks'],
  ['a header in mrkdwn', [{ type: 'header', text: mrkdwn('h') }], 'invalid_blocks'],
  ['a button of 76', [actions(button({ text: plain(x(76)) }))], 'invalid_blocks'],
  ['a value of 2001', [actions(button({ value: x(2001) }))], 'invalid_blocks'],
  ['a url of 3001', [actions(button({ url: x(3001) }))], 'invalid_blocks'],
  ['a style Slack has not', [actions(button({ style: 'warning' }))], 'invalid_blocks'],
  ['an action_id of 256', [actions(button({ action_id: x(256) }))], 'invalid_blocks'],
  ['one action_id twice in a block', [actions(button(), button())], 'invalid_blocks'],
  ['26 buttons', [actions(...times(26, (i) => button({ action_id: `a${i}` })))], 'invalid_blocks'],
  ['no buttons', [actions()], 'invalid_blocks'],
  ['11 context elements', [{ type: 'context', elements: times(11, () => mrkdwn('c')) }], 'invalid_blocks'],
  ['an image without alt text', [{ type: 'image', image_url: 'https://x.test/a.png' }], 'invalid_blocks'],
  [
    'the same block_id twice',
    [
      { ...section(), block_id: 'b' },
      { ...section(), block_id: 'b' },
    ],
    'invalid_blocks',
  ],
  ['a block_id of 256', [{ ...section(), block_id: x(256) }], 'invalid_blocks'],
  ['a table of one row', [dataTable([row('a')])], 'invalid_blocks'],
  ['102 rows', [dataTable(times(102, () => row('a')))], 'invalid_blocks'],
  ['21 columns', [dataTable(times(2, () => row(...times(21, () => 'a'))))], 'invalid_blocks'],
  ['rows of different length', [dataTable([row('a', 'b'), row('a')])], 'invalid_blocks'],
  ['a cell that is not a number', [dataTable([row('a'), [{ type: 'raw_number', value: Number.NaN, text: 'NaN' }]])], 'invalid_blocks'],
  ['10,001 characters in tables', [dataTable(times(101, () => row(x(100))))], 'invalid_blocks'],
  ['three charts', [chart(2), chart(2), chart(2)], 'invalid_blocks'],
  ['21 points', [chart(21)], 'invalid_blocks'],
  ['a point off the axis', [line([{ name: 'n', data: [{ label: 'b', value: 1 }] }], ['a'])], 'invalid_blocks'],
  ['a NaN point', [line([{ name: 'n', data: [{ label: 'a', value: Number.NaN }] }], ['a'])], 'invalid_blocks'],
  [
    'two series of one name',
    [
      line(
        times(2, () => ({ name: 'n', data: [{ label: 'a', value: 1 }] })),
        ['a'],
      ),
    ],
    'invalid_blocks',
  ],
  [
    'seven series',
    [
      line(
        times(7, (i) => ({ name: `n${i}`, data: [{ label: 'a', value: 1 }] })),
        ['a'],
      ),
    ],
    'invalid_blocks',
  ],
  ['a series name of 21', [line([{ name: x(21), data: [{ label: 'a', value: 1 }] }], ['a'])], 'invalid_blocks'],
  ['a chart in a modal', [chart(2)], 'invalid_blocks', 'modal'],
  ['an alert in a message', [{ type: 'alert', text: plain('!') }], 'invalid_blocks'],
  ['a task status Slack has not', [{ type: 'plan', title: 'p', tasks: [task({ status: 'done' })] }], 'invalid_blocks'],
  ['task details that are a text', [{ type: 'plan', title: 'p', tasks: [task({ details: 'text' })] }], 'invalid_blocks'],
  ['13,201 characters in all', [...times(4, () => section(3000)), section(1201)], 'msg_blocks_too_long'],
];

describe('blocks', () => {
  test.each(good)('%s are taken', (_name, blocks) => expect(refuseBlocks(blocks)).toBeNull());
  test.each(bad)('%s are refused', (_name, blocks, error, surface) => expect(refuseBlocks(blocks, surface)?.error).toBe(error));
  test('a refusal says which block it was', () => {
    expect(refuseBlocks([section(), section(3001)])?.messages).toEqual(['text must be at most 3000 characters [json-pointer:/blocks/1]']);
  });
});

const modal = (over = {}) => ({ type: 'modal', title: plain('Deny'), blocks: [section()], ...over });
const input = { type: 'input', block_id: 'i', label: plain('Why?'), element: { type: 'plain_text_input', action_id: 'text' } };

describe('views', () => {
  test('a modal and a home are taken', () => {
    expect([modal({ submit: plain('Deny'), blocks: [input] }), { type: 'home', blocks: [section()] }].map(refuseView)).toEqual([null, null]);
  });
  test.each([
    ['a title of 25', modal({ title: plain(x(25)) })],
    ['inputs without a submit button', modal({ blocks: [input] })],
    ['private_metadata of 3001', modal({ private_metadata: x(3001) })],
    ['101 blocks', modal({ blocks: times(101, () => section()) })],
    ['no blocks', modal({ blocks: undefined })],
    ['another type', modal({ type: 'page' })],
  ])('%s is refused', (_name, view) => expect(refuseView(view)?.error).toBe('invalid_arguments'));
});
