import { createElement } from 'react';
import { renderToStaticMarkup } from 'react-dom/server';
import { Message } from 'slack-blocks-to-jsx';
import { expect, test } from 'vitest';
import { Blocks } from '../../src/sandbox/web/blocks/block.tsx';
import { type Surface, SurfaceProvider } from '../../src/sandbox/web/blocks/surface.ts';
import type { Block } from '../../src/services/slack.ts';
import { help, shown } from '../../src/slack/answers.ts';
import { narrate } from '../../src/slack/narrate.ts';
import { permissions } from '../slack/a-desk.ts';
import { build } from '../slack/any-session.ts';
import { draw } from './tiny-dom.ts';

// The page's renderer against one that somebody else wrote: of every block that labmate posts both must show the same words in the same order.

/** Of these the other one draws nothing, so they are held against their own JSON alone. */
const NOT_DRAWN = new Set(['data_table']);
/** These have marks of each renderer's own, such as the ticks of an axis: what the block says must stand in both. */
const WITH_MARKS = new Set(['data_visualization']);

const surface: Surface = {
  me: 'U1',
  user: (id) => id,
  channel: (id) => id,
  group: (id) => ({ handle: id, mine: false }),
  permalink: () => null,
  people: [],
  channels: [],
  act: () => {},
};

const named = (data: unknown) => `@${(data as { id?: string; user_id?: string }).id ?? (data as { user_id?: string }).user_id ?? ''}`;

function ours(block: Block): string {
  const drawn = draw(
    <SurfaceProvider value={surface}>
      <Blocks blocks={[block]} />
    </SurfaceProvider>,
  );
  return wordsIn(drawn.textContent ?? '');
}

function theirs(block: Block): string {
  const hooks = { user: named, usergroup: named, channel: (data: unknown) => `#${(data as { id?: string }).id ?? ''}` };
  const props = { blocks: [block], logo: '', name: 'labmate', withoutWrapper: true, hooks } as never;
  const markup = renderToStaticMarkup(createElement(Message, props));
  return wordsIn(
    markup
      .replace(/<style[\s\S]*?<\/style>/g, '')
      // It writes the numbers of a list; in the page the browser does.
      .replace(/(<li [^>]*><span [^>]*>)\d+\.(<\/span>)/g, '$1$2')
      .replace(/<[^>]*>/g, ' ')
      .replace(/&#x27;/g, "'")
      .replace(/&quot;/g, '"')
      .replace(/&lt;/g, '<')
      .replace(/&gt;/g, '>')
      .replace(/&amp;/g, '&'),
  );
}

/** Letters and digits alone: how they are marked up, and with what signs, is each renderer's own affair. */
function wordsIn(text: string): string {
  return (text.match(/[\p{L}\p{N}]+/gu) ?? []).join('');
}

/** The words of a block's own JSON, as many as there are; to see that nothing of it is lost. */
function textsOf(value: unknown): string[] {
  if (Array.isArray(value)) return value.flatMap(textsOf);
  if (!value || typeof value !== 'object') return [];
  return Object.entries(value).flatMap(([key, v]) =>
    typeof v === 'string' ? (['text', 'caption', 'title', 'name', 'label'].includes(key) ? [v] : []) : textsOf(v),
  );
}

const TEXTS = [
  'val f1 rose',
  'Run job 101',
  'dev',
  'feature set',
  'v2',
  'a longer remark with a_snake_name',
  'val_f1 0.734',
  'https://mlflow.example/runs/8f2a',
  'second look',
];

function posted(): Block[] {
  const sessions = ['none', 'approved', 'denied', 'expired', 'withdrawn'].flatMap((decide) => [build(TEXTS, 3, false, decide), build(TEXTS, 3, true, decide)]);
  const slots = sessions.flatMap((s) => narrate(s, { approvers: permissions.approvers })).flatMap((slot) => ('blocks' in slot ? slot.blocks : []));
  const answers = [help(), ...sessions.map((s) => shown(s, 'https://slack.example/archives/C0ML/p1'))].flatMap((answer) => answer.blocks ?? []);
  return [...new Map([...slots, ...answers].map((block) => [JSON.stringify(block), block])).values()];
}

test('shows the same words of every block that labmate posts', () => {
  const blocks = posted();
  const types = [...new Set(blocks.map((block) => block.type))].sort();
  // All that a thread shows; a new kind of block has to be looked at here.
  expect(types).toEqual(expect.arrayContaining(['actions', 'context', 'plan', 'rich_text']));
  expect(blocks.length).toBeGreaterThan(30);
  const differing = blocks.flatMap((block): object[] => {
    const [here, there] = [ours(block), theirs(block)];
    const lacks = (words: string) => textsOf(block).filter((text) => !words.includes(wordsIn(text)));
    if (NOT_DRAWN.has(block.type)) return lacks(here).length > 0 || there !== '' ? [{ block, here, there }] : [];
    if (WITH_MARKS.has(block.type)) return lacks(here).length + lacks(there).length > 0 ? [{ block, here, there }] : [];
    // The page counts a plan's steps, which the block does not say.
    const said = here.replace(/\d+done/, '');
    return said === there ? [] : [{ block, said, there }];
  });
  expect(differing).toEqual([]);
});
