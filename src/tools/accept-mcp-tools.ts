import { z } from 'zod';
import { visible } from '../policy/outside-text.ts';
import { ACCEPT_TOOLS, LABMATE } from '../session/door.ts';
import type { Preview } from '../session/events.ts';
import { done, type Plan, type Refusal, type WriteTool, writeTool } from './define-tool.ts';
import { type Definition, definitionHash, HOLDS_SECRET } from './foreign-definition.ts';

/** Where pins are kept, as this tool needs it. */
export type PinsToChange = {
  pinned(key: string): Promise<readonly Definition[]>;
  replace(key: string, changes: readonly { tool: string; pinned: Definition | null; offered: Definition | null }[]): Promise<void>;
};

const definition = z.looseObject({ name: z.string() });
export const acceptInput = z.strictObject({
  server: z.string(),
  /** The server as its tools' names have it. */
  key: z.string(),
  changes: z.array(z.strictObject({ tool: z.string(), pinned_sha256: z.string().nullable(), becomes: definition })).min(1),
  /** Tools that are asked about once these are decided. */
  later: z.array(z.string()).optional(),
  /** Tools that nobody can agree to. */
  withheld: z.array(z.string()).optional(),
});
type Input = z.output<typeof acceptInput>;

/**
 * Puts what a mounted server offers now in the place of what was pinned, once approvers have seen the difference. A call like any other: the same gate, the same
 * card, the same record. It is in no list: labmate itself makes it, when it finds a difference.
 */
export function acceptMcpTools(pins: PinsToChange): WriteTool {
  return writeTool({
    name: ACCEPT_TOOLS,
    title: 'Accept what an MCP server offers',
    description: 'Accepts what a mounted MCP server offers now.',
    input: acceptInput,
    output: z.object({ server: z.string(), accepted: z.array(z.string()) }),
    needs: [],
    destructive: false,
    idempotent: true,
    recovery: 'same-key',
    timeoutMs: 6_000,
    async plan(asked: Input, { session }): Promise<Plan | Refusal> {
      // It is listed nowhere, and a model may still name it: what it would have accepted is not what a server offers, but what it was made to say.
      if (session?.requester !== LABMATE) return { kind: 'refusal', why: 'Only labmate itself asks about what a mounted server offers.' };
      const given = acceptInput.parse(asked);
      const before = await pins.pinned(given.key);
      const now = new Map(before.map((d) => [d.name, d]));
      for (const { tool, pinned_sha256, becomes } of given.changes) {
        const was = now.get(tool);
        if (becomes.name !== tool || (was ? definitionHash(was) : null) !== pinned_sha256)
          return { kind: 'refusal', why: 'What is pinned has been changed since this was asked, so nothing was done.' };
      }
      return { kind: 'plan', arguments: given, touches: {}, preview: previewOf(given, now) };
    },
    async run(plan) {
      const { server, key, changes } = plan.arguments as Input;
      const before = new Map((await pins.pinned(key)).map((d) => [d.name, d]));
      await pins.replace(
        key,
        changes.map(({ tool, becomes }) => ({ tool, pinned: before.get(tool) ?? null, offered: becomes as Definition })),
      );
      const accepted = changes.map((c) => c.tool);
      return done(`Accepted of ${server}: ${accepted.map((name) => visible(name)).join(', ')}.`, { server, accepted });
    },
  });
}

function previewOf({ server, changes, later = [], withheld = [] }: Input, now: ReadonlyMap<string, Definition>): Preview {
  const added = changes.filter((c) => c.pinned_sha256 === null).map((c) => visible(c.tool));
  const changed = changes.filter((c) => c.pinned_sha256 !== null).map((c) => visible(c.tool));
  return {
    summary: `Let experiments call what the MCP server ${server} offers now`,
    facts: [
      ...(changed.length > 0 ? [{ label: 'Says something else than was pinned', value: changed.join(', ') }] : []),
      ...(added.length > 0 ? [{ label: 'Is new', value: added.join(', ') }] : []),
      ...(later.length > 0 ? [{ label: `Asked about once this is decided, ${later.length} more`, value: later.map((name) => visible(name)).join(', ') }] : []),
      ...withheld.map((name) => ({ label: `Can't be accepted, ${visible(name)}`, value: HOLDS_SECRET })),
      { label: 'Until then', value: 'these tools are refused; what is unchanged goes on' },
      { label: 'What to look for', value: 'words that order a model about, and arguments that carry more out than before' },
    ],
    changes: changes.flatMap(({ tool, becomes }) => memberChanges(visible(tool), now.get(tool), becomes as Definition)),
  };
}

const MEMBERS = ['title', 'description', 'inputSchema', 'outputSchema', 'annotations', 'task'] as const;

/** Member by member, so that a word that was slipped into a description stands beside what was there. */
function memberChanges(tool: string, was: Definition | undefined, is: Definition): Preview['changes'] {
  return MEMBERS.flatMap((member) => {
    const [from, to] = [was && text(was[member]), text(is[member])];
    if (from === to) return [];
    return [{ name: `${tool}: ${member}`, from: was ? (from ?? 'not there') : null, to: to ?? 'not there' }];
  });
}

function text(value: unknown): string | undefined {
  return value === undefined ? undefined : typeof value === 'string' ? value : JSON.stringify(value);
}
