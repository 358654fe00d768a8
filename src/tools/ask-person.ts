import { z } from 'zod';
import { isDirect } from '../policy/direct.ts';
import { done, readTool, ToolError } from './define-tool.ts';

const input = z.strictObject({
  question: z.string().min(1).max(1_000),
  options: z.array(z.string().min(1).max(150)).max(5).default([]).describe('shown as buttons'),
  to: z
    .string()
    .refine((to) => /^(<@)?[UW][A-Z0-9]+(\|[^>]*)?>?$/.test(to), 'a Slack user id such as U012AB')
    .optional()
    .describe('a user id; else the requester'),
  free_text: z.boolean().default(true),
});

/** Asking changes nothing in the world but a question in the session's own thread, so it runs by itself: the annotation says read-only. */
export const askPerson = readTool({
  name: 'ask_person',
  title: 'Ask a person',
  description:
    "Asks a question in this experiment's thread and waits for the answer. " +
    'Use when something is missing or ambiguous: an unknown file or metric, two candidates. ' +
    'Not for permission (the host asks for it by itself) or for telling something (post_to_slack).',
  input,
  output: z.object({ status: z.string(), answer: z.string().optional(), by: z.string().optional(), at: z.string().optional(), hint: z.string().optional() }),
  needs: [],
  needsThread: true,
  async run({ question, options, to, free_text }, { session }) {
    if (!session) throw new ToolError('NO_SESSION', 'There is no thread here in which a person could be asked.', 'decide without, and say what you assumed.');
    const { answer, interrupted } = session;
    if (answer) return done(`${answer.by} answered: ${answer.text}`, { status: 'answered', answer: answer.text, by: answer.by, at: answer.at });
    if (interrupted)
      return done(`${interrupted.by} wrote while several questions were open: ${interrupted.text}`, {
        status: 'interrupted',
        by: interrupted.by,
        hint: 'Their message may answer one of the open questions or several. Ask again for what it leaves open.',
      });
    const asked = to?.match(/[UW][A-Z0-9]+/)?.[0] ?? session.requester;
    if (isDirect(session.channel) && asked !== session.requester)
      throw new ToolError('NOT_HERE', `This experiment lives in direct messages, which only <@${session.requester}> reads.`, 'ask them, without `to`.');
    return {
      kind: 'wait',
      waiting: { for: 'answer', question, options, to: asked, free_text },
      text: 'The question is in the thread.',
      data: { status: 'waiting' },
    };
  },
});
