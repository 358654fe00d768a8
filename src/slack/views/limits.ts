import { cut, plain, shortened } from '../../policy/outside-text.ts';
import type { Block } from '../../services/slack.ts';

/** Slack's limits, in UTF-16 units unless they count things. The figures are Slack's own but for `message`, which holds some room. */
export const LIMITS = {
  blocks: 50,
  modalBlocks: 100,
  /** All text of a message's blocks; Slack refuses at about 13,200. */
  message: 13_000,
  fallback: 3_000,
  section: 3_000,
  header: 150,
  field: 2_000,
  alt: 2_000,
  button: 75,
  value: 2_000,
  id: 255,
  actions: 25,
  contextElements: 10,
  title: 150,
  modalTitle: 24,
  tableRows: 100,
  tableColumns: 20,
  tableText: 10_000,
  chartTitle: 50,
  chartName: 20,
  chartPoints: 20,
  chartSeries: 6,
  tasks: 40,
} as const;

type Leaf = { holder: Record<string, unknown>; key: string; max: number };

/**
 * Makes a message's blocks fit: each text within its own limit, all of them within the message's, at most 50 blocks. What is left out is counted where it
 * was. Buttons always stay. Pure: the blocks given are not changed.
 */
export function fitted(blocks: readonly Block[], most: { blocks: number; text: number } = { blocks: LIMITS.blocks, text: LIMITS.message }): Block[] {
  let kept = structuredClone(blocks) as Block[];
  if (kept.length > most.blocks) {
    const buttons = kept.filter((b) => b.type === 'actions');
    const room = most.blocks - buttons.length - 1;
    let left = Math.max(room, 0);
    const dropped = kept.length - most.blocks + 1;
    kept = kept.filter((b) => b.type === 'actions' || left-- > 0).slice(0, most.blocks - 1);
    kept.push(note(`… ${dropped} more parts left out.`));
  }
  for (const leaf of kept.flatMap(leaves)) set(leaf, shortened(get(leaf), leaf.max));
  trim(kept, most.text);
  return kept;
}

/** Below this a text says nothing any more; parts are left out instead. */
const LEAST = 40;

/** Takes from the longest texts, so that what is short stays whole. */
function trim(blocks: Block[], most: number): void {
  for (;;) {
    const all = blocks.flatMap(leaves);
    const longest = level(
      all.map((leaf) => get(leaf).length),
      most,
    );
    if (longest >= LEAST || blocks.length <= 1) {
      for (const leaf of all) set(leaf, shortened(get(leaf), Math.max(longest, 1)));
      return;
    }
    // Only short texts are left and still too many: the last part that is no button goes.
    const last = blocks.findLastIndex((b) => b.type !== 'actions' && !isNote(b));
    if (last < 0) return;
    blocks.splice(last, 1, ...(blocks.some(isNote) ? [] : [note(LEFT_OUT)]));
  }
}

/** The length to which texts must be cut for their sum to be at most `most`: a water level over sorted lengths. */
function level(lengths: readonly number[], most: number): number {
  let room = most;
  const sorted = [...lengths].sort((a, b) => a - b);
  for (const [i, length] of sorted.entries()) {
    const share = Math.floor(room / (sorted.length - i));
    if (length > share) return share;
    room -= length;
  }
  return Number.POSITIVE_INFINITY;
}

const LEFT_OUT = '… more left out.';

function isNote(block: Block): boolean {
  return block.type === 'context' && JSON.stringify(block).includes(LEFT_OUT);
}

function note(text: string): Block {
  return { type: 'context', elements: [{ type: 'plain_text', text: plain(text), emoji: false }] };
}

function get(leaf: Leaf): string {
  return leaf.holder[leaf.key] as string;
}

function set(leaf: Leaf, text: string): void {
  // Slack refuses empty text.
  leaf.holder[leaf.key] = text === '' ? ' ' : text;
}

/** How much text stands in blocks. */
export function textIn(blocks: readonly Block[]): number {
  return blocks.flatMap(leaves).reduce((sum, leaf) => sum + get(leaf).length, 0);
}

/** Every place of a block where text stands, with its own limit. Ids, urls and values are not text; the builders keep them short. */
function leaves(block: Block): Leaf[] {
  const found: Leaf[] = [];
  walk(block as Record<string, unknown>, limitOf(block.type), found);
  return found;
}

function limitOf(type: string): number {
  if (type === 'header') return LIMITS.header;
  if (type === 'actions') return LIMITS.button;
  if (type === 'section' || type === 'context') return LIMITS.section;
  if (type === 'image') return LIMITS.alt;
  if (type === 'data_visualization') return LIMITS.chartTitle;
  return LIMITS.message;
}

const TEXT_KEYS = new Set(['text', 'title', 'alt_text', 'caption', 'name', 'label', 'x_label', 'y_label']);

function walk(node: Record<string, unknown>, max: number, found: Leaf[]): void {
  for (const [key, value] of Object.entries(node)) {
    if (typeof value === 'string' && TEXT_KEYS.has(key)) {
      const own = key === 'title' ? Math.min(max, LIMITS.title) : key === 'name' || key === 'label' ? Math.min(max, LIMITS.chartName) : max;
      found.push({ holder: node, key, max: own });
    } else if (Array.isArray(value)) {
      for (const item of value) if (item && typeof item === 'object') walk(item as Record<string, unknown>, max, found);
    } else if (value && typeof value === 'object') {
      walk(value as Record<string, unknown>, key === 'fields' ? LIMITS.field : max, found);
    }
  }
}

/** A message's fallback text: one string, escaped already, short enough for every client. */
export function fallback(...lines: string[]): string {
  return (
    cut(
      shortened(
        plain(
          lines
            .filter(Boolean)
            .join('\n')
            .slice(0, 2 * LIMITS.message),
        ),
        LIMITS.fallback,
      ),
      LIMITS.fallback,
    ) || ' '
  );
}
