import { z } from 'zod';
import { done, readTool, ToolError } from './define-tool.ts';

const input = z.strictObject({
  question: z.string().min(1).max(1_500).describe('one question, with what you know already'),
  options: z.array(z.string().min(1).max(150)).max(8).default([]).describe('shown as buttons, if the answer is one of a few'),
  to: z
    .string()
    .regex(/^(<@)?[UW][A-Z0-9]+(\|[^>]*)?>?$/)
    .optional()
    .describe('a user id; left out: whoever asked for the experiment'),
  free_text: z.boolean().default(true).describe('whether an answer in own words is welcome'),
});

/** Asking changes nothing in the world but a question in the session's own thread, so it runs by itself: the annotation says read-only. */
export const askPerson = readTool({
  name: 'ask_person',
  title: 'Ask a person',
  description:
    'Asks a question in this experiment’s thread and waits for the answer. ' +
    'Use when something is missing or ambiguous and guessing would waste a training run: an unknown file, a metric that does not exist, two candidates. ' +
    'Not for permission (calls that need it are put to the approvers by themselves) and not for telling something (post_to_slack).',
  input,
  output: z.object({ status: z.string(), answer: z.string().optional(), by: z.string().optional(), at: z.string().optional() }),
  needs: [],
  async run({ question, options, to, free_text }, { session }) {
    if (!session) throw new ToolError('NO_SESSION', 'There is no thread here in which a person could be asked.', 'decide without, and say what you assumed.');
    const { answer } = session;
    if (answer) return done(`<@${answer.by}> answered: ${answer.text}`, { status: 'answered', answer: answer.text, by: answer.by, at: answer.at });
    const asked = to?.match(/[UW][A-Z0-9]+/)?.[0] ?? session.requester;
    return {
      kind: 'wait',
      waiting: { for: 'answer', question, options, to: asked, free_text },
      text: 'The question is in the thread.',
      data: { status: 'waiting' },
    };
  },
});
