import { type Breakers, makeBreakers } from './agent/breaker.ts';
import { callTool } from './agent/call-tool.ts';
import { openToolbox } from './agent/toolbox.ts';
import type { CoreConfig } from './config.ts';
import type { Core } from './open-core.ts';
import type { Mounting } from './open-mounts.ts';
import { approversOf } from './policy/rules.ts';
import type { AdvanceDeps, Turn } from './runtime/advance.ts';
import type { Committed } from './runtime/event-log.ts';
import type { SessionEvent } from './session/events.ts';
import type { Call } from './session/state.ts';
import { canBeAsked, checkEntitlement, lookAhead } from './slack/entitled.ts';
import { toolsFor } from './tools/catalog.ts';
import type { Tool } from './tools/define-tool.ts';
import type { CallScope } from './tools/gate.ts';

/** What it takes to make a session's calls: the tools behind their gate. With a model beside it, it is a worker; without, a door. */
export async function openCalls(
  config: CoreConfig,
  core: Core,
  {
    breakers = makeBreakers(),
    tools = toolsFor(core.services),
    mounting,
  }: { breakers?: Breakers; tools?: readonly Tool[] | undefined; mounting?: Mounting } = {},
) {
  const { services, deliver, reading, blobs, log: eventLog, clean, suspect } = core;
  const { permissions, settings } = config;
  const deps = { services, settings, permissions, now: eventLog.now, clean, suspect };
  const toolbox = await openToolbox(tools, deps, mounting?.mounts, mounting ? [mounting.accept] : []);
  const ahead = lookAhead(checkEntitlement(services.slack), (tool) => approversOf(tool, permissions.approvers));
  const entitled = { stillEntitled: ahead.stillEntitled, canBeAsked: canBeAsked(services.slack, config.channels) };
  const root = async (session: string) => (await reading.root(session))?.ts ?? null;
  const advance: Omit<AdvanceDeps, 'perform' | 'rested'> = {
    log: eventLog,
    foresee: ahead.foresee,
    expire: async (session: string, approval: string) => void (await deliver(`expire:${approval}`, { do: 'expire', session, approval })),
    // Where nobody could raise a budget, a session that has used it up ends at once.
    limits: {
      ...config.budgets,
      prices: config.pricing,
      onStop: config.onStop,
      raiseWithinMs: approversOf('raise_budget', permissions.approvers)?.expiresAfterMs,
    },
    executionExpiresMs: permissions.executionExpiresAfterMs,
  };
  return {
    toolbox,
    breakers,
    advance,
    close: toolbox.close,
    perform: (call: Call, turn: Turn): Promise<SessionEvent[]> =>
      callTool(call, { ...turn, claim: claimOf(turn) }, { toolbox, putImage: blobs.put, root, ...entitled, breakers, random: Math.random }),
  };
}

/** The claim in the gate's words. */
function claimOf(turn: Turn): CallScope['claim'] {
  return async (start, cancels) => {
    const committed: Committed = await turn.claim(start, start.approval, cancels);
    switch (committed.is) {
      case 'OK':
        return 'go';
      case 'STOPPED':
        return 'stopped';
      case 'REFUSED':
        return { refused: committed.state };
      case 'FENCED':
      case 'UNREAD':
        return 'lost';
      default:
        return committed satisfies never;
    }
  };
}
