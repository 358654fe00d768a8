import { z } from 'zod';
import type { View } from '../services/slack.ts';
import type { Desk } from './desk.ts';
import { told } from './modals.ts';
import { AFTER_ALL, REPEAT, type Settled } from './store.ts';

/**
 * A field that is wrong. Where nobody knows yet whether it was stored, `settled` tells; `where`: the channel of what it is about; `afterAll`: what is still to be done
 * where it was stored after all, and what is said then.
 */
export type FieldError = { field: string; why: string; settled?: Settled; where?: string; afterAll?: () => Promise<string> };

/** What we use of a form, to show it again. */
const shownSchema = z.object({
  user: z.object({ id: z.string() }),
  view: z.object({
    id: z.string(),
    type: z.literal('modal'),
    callback_id: z.string(),
    private_metadata: z.string(),
    title: z.looseObject({ text: z.string() }),
    submit: z.looseObject({}).nullish(),
    close: z.looseObject({}).nullish(),
    blocks: z.array(z.looseObject({ block_id: z.string() })),
  }),
});
const NOTE = 'settled';

/**
 * Tells in the form itself what became of it: closed by a sentence where it was stored after all, else open as it was, with what was typed. Whoever has closed it
 * meanwhile is told privately in its channel.
 */
export function tellInForm(desk: Desk, body: unknown, refused: FieldError): void {
  const { settled, where } = refused;
  const read = shownSchema.safeParse(body);
  if (!settled || !read.success) return;
  const { user, view } = read.data;
  desk.later(async () => {
    const { stored, words } = await whatBecame(refused, settled);
    const next = stored ? { ...told(view.title.text, words), clear_on_close: true } : again(view);
    await desk.slack.updateModal(view.id, next).catch((error: unknown) => {
      if (!where) throw error;
      return desk.slack.whisper({ channel: where, user: user.id, text: `${view.title.text}: ${words}` });
    });
  });
}

/** Whether it was stored in the end, and the sentence that says so. */
export async function whatBecame({ afterAll }: FieldError, settled: Settled): Promise<{ stored: boolean; words: string }> {
  if ((await settled) !== 'stored') return { stored: false, words: REPEAT };
  return { stored: true, words: (await afterAll?.()) ?? AFTER_ALL };
}

/** Blocks that keep their ids keep what was typed into them. */
function again({ id: _, submit, close, ...view }: z.infer<typeof shownSchema>['view']): View {
  const note = { type: 'section', block_id: NOTE, text: { type: 'plain_text', text: REPEAT, emoji: false } };
  return {
    ...view,
    ...(submit ? { submit } : {}),
    ...(close ? { close } : {}),
    blocks: [note, ...view.blocks.filter((block) => block.block_id !== NOTE)],
  } as unknown as View;
}
