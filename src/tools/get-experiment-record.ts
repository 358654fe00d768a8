import { z } from 'zod';
import { visible } from '../policy/outside-text.ts';
import { report } from '../session/report.ts';
import { done, readTool } from './define-tool.ts';
import { theSession } from './stored-session.ts';

const MOST_CHARACTERS = 7_500;
const MOST_EVENTS = 60;

export const getExperimentRecord = readTool({
  name: 'get_experiment_record',
  title: 'Read the record of an experiment',
  description:
    "What an earlier experiment of this team was asked, did and found, from its record. Use when a person refers to another experiment. Not for a run's figures (fetch_mlflow_run) or an approval (get_approval). session_id: as threads show it, e-7k2f.",
  input: z.strictObject({ session_id: z.string().refine((id) => /^[\w-]{1,100}$/.test(id), 'a session id such as e-7k2f') }),
  output: z.looseObject({
    prompt: z.string(),
    outcome: z.string(),
    events: z.array(z.looseObject({ seq: z.int(), at: z.string(), type: z.string() })),
    head: z.string(),
    url: z.string().optional(),
    omitted: z.int(),
  }),
  needs: ['sessions'],
  async run({ session_id }, ctx) {
    const { session, lines, head, thread } = await theSession(session_id, ctx);
    const all = lines.map((line) => eventLine.parse(JSON.parse(line)));
    // The beginning says what was asked, the end what came of it.
    const events = all.length > MOST_EVENTS ? [...all.slice(0, 10), ...all.slice(10 - MOST_EVENTS)] : all;
    const omitted = all.length - events.length;
    // A link is a courtesy: without Slack the record is the same.
    const url = thread ? await ctx.services.slack?.permalink(thread, ctx.signal).catch(() => null) : null;
    const whole = report(session);
    const shown = whole.length > MOST_CHARACTERS ? whole.slice(0, MOST_CHARACTERS).toWellFormed() : whole;
    const rest = whole.length > shown.length ? `\n\n${whole.length - shown.length} more characters are left out.` : '';
    return done(`${visible(shown)}${rest}\n\nRecord: ${lines.length} lines, head ${head}${url ? `\n${url}` : ''}`, {
      session_id: session.opened.alias,
      prompt: session.opened.prompt.slice(0, 4_000),
      outcome: session.ended?.outcome ?? 'not ended',
      ...(session.ended ? { outcome_text: session.ended.text.slice(0, 2_000) } : {}),
      events,
      lines: lines.length,
      head,
      ...(url ? { url } : {}),
      truncated: omitted > 0 || rest !== '',
      omitted,
    });
  },
});

const eventLine = z
  .object({ seq: z.int(), at: z.string(), type: z.string(), call: z.string().optional(), tool: z.string().optional(), by: z.string().optional() })
  .transform((event) => event);
