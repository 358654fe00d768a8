import { z } from 'zod';
import type { Entry } from '../session/events.ts';
import type { Call, Session } from '../session/state.ts';
import type { Tool, WriteTool } from '../tools/define-tool.ts';
import type { GateDeps } from '../tools/gate.ts';
import { type Reconsidered, reconsider } from '../tools/reconsider.ts';
import { factsOf, standingOf } from './facts.ts';

/** What a person at the door needs to change a call that waits for a yes. */
export function openEditing(
  catalog: readonly Tool[],
  deps: GateDeps & {
    root: (session: string) => Promise<string | null>;
    entries: (session: string) => Promise<Entry[]>;
    /** Finds a mounted server's tool. */
    mounted?: ((name: string) => Promise<WriteTool | null>) | undefined;
  },
) {
  const named = async (name: string) => catalog.find((tool) => tool.name === name) ?? (await deps.mounted?.(name)) ?? null;
  return {
    /** The JSON Schema of what a tool takes; null for one that is not here. */
    async schemaOf(name: string): Promise<Record<string, unknown> | null> {
      const tool = await named(name);
      if (tool?.kind === 'write' && tool.foreign) return tool.foreign.schema;
      return tool ? (z.toJSONSchema(tool.input, { io: 'input' }) as Record<string, unknown>) : null;
    },
    /** Plans and judges the call anew with other arguments. Runs nothing. */
    async reconsider(session: Session, call: Call, input: Record<string, unknown>, signal: AbortSignal): Promise<Reconsidered> {
      const tool = await named(call.tool);
      if (tool?.kind !== 'write') return { is: 'no', why: `${call.tool} can't be changed here: its backend is not configured.` };
      const [root, entries] = await Promise.all([session.opened.thread ?? deps.root(session.id), deps.entries(session.id)]);
      const facts = factsOf(call, session, entries, root);
      return reconsider(tool, input, { facts, standing: standingOf(session), signal }, deps);
    },
  };
}
