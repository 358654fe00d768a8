import { z } from 'zod';
import { mcpServersSchema, mountSchema } from './config-mounts.ts';

/** labmate.json: what people write. Everything has a default; an unknown key is a fault, because a misspelt rule protects nobody. */

const MS = { s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000 } as const;

const duration = z
  .string()
  .regex(/^\d+(\.\d+)?[smhd]$/, 'a duration is a number and s, m, h or d, such as "24h"')
  .transform((text) => Number(text.slice(0, -1)) * MS[text.slice(-1) as keyof typeof MS])
  .describe('A number and s, m, h or d: "15m", "24h", "7d".');
const name = z.string().min(1);
const names = z.array(name);
const count = z.number().int().min(1);
const money = z.number().min(0);

const approver = z.strictObject({
  users: names.optional().describe('Slack user ids.'),
  groups: names.optional().describe('Slack user group ids.'),
  quorum: count.optional().describe('How many different people must say yes. Default 1.'),
  requesterMayApprove: z.boolean().optional().describe('Default false.'),
  expiresAfter: duration.optional().describe('Default "24h".'),
  channel: name
    .optional()
    .describe('Where a card goes that has no thread of its own: that of an experiment in direct messages. Default: the first of "channels".'),
});

const environment = z.strictObject({
  jobs: names.default([]).describe('Job ids, or globs on job names. A glob counts for an environment of actIn only together with a tag.'),
  tags: z.record(name, z.string()).optional(),
  runAs: names.optional(),
  parameters: z.record(name, names).optional(),
});

const rule = z.strictObject({
  tool: name.describe('A tool’s name; * is a wildcard.'),
  action: z.enum(['auto', 'ask', 'deny']),
  when: z
    .strictObject({
      readOnly: z.boolean().optional(),
      environment: name.optional(),
      maxTypicalMinutes: z.number().positive().optional(),
      own: z.boolean().optional().describe('A run that the session itself started.'),
    })
    .optional()
    .describe('A condition whose fact is unknown does not hold.'),
});

export const fileSchema = z
  .strictObject({
    $schema: z.string().optional(),
    channels: names.default([]).describe('Ids of the channels it listens in. Anything else is answered privately, once.'),
    approvers: z
      .record(name, approver)
      .default({})
      .describe(
        'Who may approve, by tool; "default" for the rest. A tool’s entry replaces users and groups and inherits the rest. Empty: every gated call is refused.',
      ),
    executionExpiresAfter: duration.prefault('15m').describe('How long after the last approval a call may still start.'),
    environments: z.record(name, environment).default({}).describe('Which jobs belong where. A job in none of them counts as prod.'),
    actIn: names.default([]).describe('The environments in which jobs may be started at all. No rule and no approval opens another.'),
    allow: z
      .strictObject({
        experiments: names.default(['*']),
        dashboards: names.default(['*']),
        channels: names.optional(),
        branches: names.default(['*']).describe('Globs: the branches that a pull request may be for.'),
        paths: names.default(['*']).describe('Globs: the files that a pull request may bring, beside the record; * reaches into folders.'),
      })
      .prefault({})
      .describe('What may be read, where may be posted and what may be written. Channels default to those it listens in.'),
    policy: z
      .strictObject({ default: z.enum(['ask', 'deny']).default('ask'), rules: z.array(rule).default([]) })
      .prefault({})
      .describe('Deny rules count first, then ask, then auto; "default" is for tools of mounted servers that no rule names.'),
    metrics: z
      .record(name, z.enum(['max', 'min']))
      .default({})
      .describe('Which way is better, by metric.'),
    thresholdReading: z.enum(['relative', 'points']).default('relative').describe('How "more than 1%" is read when the sentence does not say.'),
    defaults: z
      .strictObject({ job: name.optional(), experiment: name.optional(), repository: name.optional(), base: name.optional() })
      .prefault({})
      .describe('What a prompt may leave out.'),
    github: z
      .strictObject({
        repositories: z.array(z.string().regex(/^[^/\s]+\/[^/\s]+$/, 'a repository is "owner/name"')).default([]),
        recordsPath: name.default('experiments'),
      })
      .prefault({}),
    onStop: z.enum(['ask', 'cancel', 'leave']).default('ask').describe('What becomes of a running job when its session is stopped.'),
    budgets: z
      .strictObject({
        turns: count.default(40),
        toolCalls: count.default(120),
        outputTokens: count.default(60_000),
        wallTime: duration.prefault('7d'),
        perUser: count.default(10).describe('Sessions not ended, sleeping ones included.'),
        perTeam: count.default(200),
        usd: money.optional().describe('Needs "pricing".'),
      })
      .prefault({}),
    pricing: z
      .record(name, z.strictObject({ input: money, output: money, cacheRead: money, cacheWrite: money }))
      .default({})
      .describe('US dollars for a million tokens, by model.'),
    jobCostPerHour: z.record(name, money).default({}).describe('By job id.'),
    record: z.strictObject({ anchor: z.boolean().default(true) }).prefault({}),
    retention: duration.prefault('365d').describe('How long an ended session’s log is kept.'),
    mcpServers: mcpServersSchema,
    mounts: mountSchema(duration),
  })
  .describe('labmate.json: where labmate listens, what it may do, and who must agree.');

export type ConfigFile = z.output<typeof fileSchema>;

/** Where editors find the schema of the latest release, and what names it. */
const SCHEMA_ID = 'https://unpkg.com/labmate/labmate.schema.json';

/** The JSON Schema that labmate.schema.json holds. */
export function fileJsonSchema(): Record<string, unknown> {
  return { $id: SCHEMA_ID, ...z.toJSONSchema(fileSchema, { io: 'input', target: 'draft-07' }), title: 'labmate.json' };
}
