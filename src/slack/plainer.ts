import { UpstreamError } from '../services/http.ts';
import type { Block } from '../services/slack.ts';
import { againstBlocks, UNSHOWABLE } from '../services/slack-errors.ts';
import type { Log } from './log.ts';

type Content = { text: string; blocks?: Block[] };

/**
 * Sends a message, and where Slack does not accept its blocks, sends it plainer: without its charts, its words with its buttons, and at last its words alone. Never silence, and
 * never an approval without its buttons as long as Slack takes any.
 */
export async function plainer<T>(
  slot: { name: string; text: string; blocks: Block[] },
  session: string,
  log: Log,
  send: (content: Content) => Promise<T>,
): Promise<T> {
  const { text, blocks } = slot;
  const buttons = blocks.filter((b) => b.type === 'actions');
  const words: Block = { type: 'section', text: { type: 'plain_text', text: text.slice(0, 3_000), emoji: false } };
  const versions: Content[] = [
    { text, blocks },
    ...(hasChart(blocks) ? [withoutCharts({ text, blocks })] : []),
    ...(buttons.length > 0 ? [{ text, blocks: [words, ...buttons] }] : []),
  ];
  for (const content of versions) {
    try {
      return await send(content);
    } catch (error) {
      if (!(error instanceof UpstreamError) || !UNSHOWABLE.has(error.code ?? '')) throw error;
      const { messages, at } = againstBlocks(error);
      const refused = at.length > 0 ? at.map((i) => content.blocks?.[i]) : content.blocks;
      log.warn({ session, slot: slot.name, code: error.code, messages, blocks: refused }, 'Slack refused the blocks of a message; it is sent plainer');
    }
  }
  return send({ text });
}

/** Slack's native charts are young: not every workspace takes them. */
export function hasChart(blocks: readonly Block[]): boolean {
  return blocks.some((b) => b.type === 'data_visualization');
}

export function withoutCharts<T extends { text: string; blocks: Block[] }>(content: T): T {
  return { ...content, blocks: content.blocks.filter((b) => b.type !== 'data_visualization') };
}
