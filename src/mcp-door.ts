import { randomUUID } from 'node:crypto';
import { asTold } from './as-told.ts';
import type { AnyConfig, Config, CoreConfig } from './config.ts';
import { createLog, type Log } from './log.ts';
import { inWords, told, whyAlone } from './mcp-answers.ts';
import { type Choice, cardsGoTo, choose, missingFor, NO_CHANNEL, offer } from './mcp-list.ts';
import { openCalls } from './open-calls.ts';
import { type Core, openCore } from './open-core.ts';
import { openServices } from './open-services.ts';
import { observeDoor, type Watching } from './ops/observe.ts';
import { reachRedis } from './ops/reach-redis.ts';
import { mayApprove } from './policy/approvers.ts';
import { approversOf } from './policy/rules.ts';
import { masked, scrubber } from './policy/secrets.ts';
import { advance } from './runtime/advance.ts';
import { type Caller, doorSessions, type Standing } from './runtime/door-session.ts';
import { makeKeys } from './runtime/keys.ts';
import { UpstreamError } from './services/http.ts';
import type { SlackService } from './services/slack.ts';
import type { Outcome } from './session/events.ts';
import { isShownWhole } from './session/in-full.ts';
import { everyoneIn } from './slack/entitled.ts';
import { toolsFor } from './tools/catalog.ts';
import type { AtDoor, DoorAnswer, DoorCall, Principal, TurnedAway } from './tools/door.ts';
import { type GateDeps, gate } from './tools/gate.ts';
import { serveHttp } from './tools/http.ts';
import { presentFailure } from './tools/present.ts';
import { prompts } from './tools/prompts.ts';
import { doorServer } from './tools/server.ts';
import { serveStdio } from './tools/stdio.ts';

/** As long as this the first call waits for Redis. */
const READY_MS = 10_000;

const TAKEN_BACK = 'The client took the call back, or went away, before there was an answer.';

/** Who may stand at a door, as calls see them. */
type Door = {
  atDoor(principal: Principal): AtDoor;
  turnedAway?: (principal: Principal) => (call: TurnedAway) => Promise<void>;
  deps: GateDeps;
};

/** `labmate mcp`: serves the chosen tools over stdin and stdout until the client goes. */
export async function serveMcp(config: AnyConfig, choice: Choice): Promise<void> {
  const log = createLog({ level: config.logLevel === 'info' ? 'warn' : config.logLevel, secrets: config.secrets, role: 'mcp' });
  const { redis, slack, user } = config;
  const core = redis && slack ? openCore({ ...config, redis }, makeKeys(redis.prefix), log) : null;
  const door = core ? await doorWithLog({ ...config, redis: config.redis } as CoreConfig, core, log) : doorAlone(config);
  const { services, settings, clean } = door.deps;
  const tools = choose(toolsFor(services), choice);
  // Not a line of the log, which tells of trouble: whoever set this up sees here why a tool is not there.
  process.stderr.write(`${offer(services, choice)}\n`);
  if (redis && core) void reachRedis(redis.url).then((found) => found.disconnect(), complain);
  const principal: Principal = { door: 'stdio', name: user ?? 'somebody at stdio', user, scope: choice.readOnly ? 'read' : 'write' };
  await serveStdio({ tools, prompts: prompts(tools, { services, settings }), atDoor: door.atDoor(principal), turnedAway: door.turnedAway?.(principal), clean });
  await core?.close();
}

const complain = (error: Error) => void process.stderr.write(`${error.message}\n`);

/** The door over HTTP, beside Slack's. */
export async function serveMcpHttp(
  config: Config,
  mcpHttp: NonNullable<Config['mcpHttp']>,
  core: Core,
  log: Log,
  watching: Watching,
): Promise<() => Promise<void>> {
  const door = await doorWithLog(config, core, log);
  const { services, settings, clean } = door.deps;
  const serverFor = (principal: Principal) => {
    const tools = toolsFor(services).filter((tool) => principal.scope === 'write' || tool.kind === 'read');
    return doorServer({
      tools,
      prompts: prompts(tools, { services, settings }),
      atDoor: door.atDoor(principal),
      turnedAway: door.turnedAway?.(principal),
      clean,
    });
  };
  const failed = (error: unknown) => log.error({ err: error }, 'a request at the MCP door failed');
  const watch = { request: observeDoor(watching), refused: watching.figures.turnedAway };
  const { url, connected, close } = await serveHttp({ ...mcpHttp, serverFor, failed, watch });
  watching.figures.doorOf(connected);
  log.info({ url }, 'the MCP door is open');
  return close;
}

/** Without Redis and Slack there is no log and nobody to ask: reads work, and what acts says what is missing. */
function doorAlone(config: AnyConfig): Door {
  const missing = missingFor(config);
  const known = scrubber(config.secrets);
  const clean = (text: string) => masked(known(text));
  const { settings, permissions } = config;
  const deps: GateDeps = { services: openServices(config), settings, permissions, now: Date.now, clean, whyNoSession: (verdict) => whyAlone(verdict, missing) };
  // Nothing acts here, so whatever it is may be broken off.
  return { deps, atDoor: () => (call) => gate(call.tool, call.input, null, { ...deps, signal: call.signal }) };
}

/** With a log: what acts goes through a session of the principal's own and the approvers' cards, and every look is written down. */
async function doorWithLog(config: CoreConfig, core: Core, log: Log): Promise<Door> {
  const { permissions, settings } = config;
  const { services, clean, deliver, reading, blobs } = core;
  const calls = await openCalls(config, core);
  const bring = (session: string) =>
    advance(session, { ...calls.advance, perform: async (step, turn) => (step.do === 'call' ? calls.perform(step.call, turn) : []), rested: async () => {} });
  const sessions = doorSessions({ deliver, reading, bring });
  const deps: GateDeps = { services, settings, permissions, now: core.log.now, clean };
  const channel = cardsGoTo(config);
  let team: string | undefined;
  // A client that is started with its door calls at once; the log must be there by then, or the first call would be in none.
  const ready = core.ready(READY_MS);
  const callerOf = async ({ door, name, user }: Principal): Promise<Caller> => {
    await ready;
    // Before anything is begun: what fails now has run nowhere.
    await core.answers();
    team ??= (await services.slack?.self())?.team;
    if (team === undefined) throw new Error('Slack does not say which workspace this is');
    return { team, channel: channel ?? 'none', door, name, user };
  };

  const look = async (principal: Principal, { tool, input, client, signal }: DoorCall): Promise<DoorAnswer> => {
    // A look works though the log is away, as it would where there is none.
    const caller = await callerOf(principal).catch((error: unknown) => void log.warn(asTold(error), 'a look at the MCP door is not in any log'));
    // Whose records may be read, only the log and Slack know.
    if (!caller && tool.needs.includes('sessions'))
      return { is: 'refused', why: "labmate's log or Slack can't be reached, so no record can be read. Make the call again later." };
    const write = async (outcome: () => Promise<Outcome>) =>
      caller &&
      (await outcome()
        .then((o) => sessions.looked(caller, { client, tool: tool.name, input }, o))
        .catch((error: unknown) => log.warn({ ...asTold(error), tool: tool.name }, 'a look at the MCP door is not in its log')));
    try {
      const answer = await gate(tool, input, null, { ...deps, signal, reader: caller && { team: caller.team, user: caller.user } });
      // What stands in another log is not copied into this one, which more people may read.
      const elsewhere = tool.needs.includes('sessions') && answer.is === 'answer';
      await write(async () => (elsewhere ? { status: 'ok', text: 'Shown; it stands in that record.' } : outcomeOf(answer, blobs.put)));
      return answer;
    } catch (error) {
      // What it broke off by then has words of its own, which say nothing to whoever reads the log.
      const shown = signal.aborted
        ? TAKEN_BACK
        : presentFailure(error)
            .content.flatMap((c) => (c.type === 'text' ? [c.text] : []))
            .join('\n');
      await write(async () => ({ status: 'failed', text: shown }));
      throw error;
    }
  };

  const turnedAway = async (principal: Principal, { why, ...call }: TurnedAway): Promise<void> => {
    await callerOf(principal)
      .then((caller) => sessions.looked(caller, call, { status: 'refused', text: why }))
      .catch((error: unknown) => log.warn({ ...asTold(error), tool: call.tool }, 'a call that was turned away at the MCP door is not in its log'));
  };

  const act = async (principal: Principal, call: DoorCall): Promise<DoorAnswer> => {
    const { tool, input, client, signal, askHere } = call;
    if (channel === null) {
      await turnedAway(principal, { tool: tool.name, input, client, why: NO_CHANNEL });
      return { is: 'refused', why: `${NO_CHANNEL} Nothing was run.` };
    }
    const asked = { client, tool: tool.name, input };
    let caller: Caller;
    try {
      caller = await callerOf(principal);
    } catch (error) {
      log.error({ ...asTold(error), tool: tool.name }, 'who calls at the MCP door could not be looked up');
      const why = error instanceof UpstreamError && !error.transient ? error.message : "labmate's log or Slack can't be reached, so nobody could be asked.";
      return { is: 'refused', why: `${why} Nothing was run.` };
    }
    try {
      const standing = await sessions.act(caller, asked, signal);
      if (standing.is !== 'asked' || standing.approval.state !== 'pending' || !askHere) return told(standing);
      const decided = await decideHere(caller, standing, askHere);
      return told(decided ? await sessions.act(caller, asked, signal) : standing);
    } catch (error) {
      log.error({ ...asTold(error), tool: tool.name }, 'a call at the MCP door could not be made');
      return {
        is: 'refused',
        why: "labmate's log or Slack can't be reached, so nobody could be asked and it is not known whether anything was run. Make the identical call again later.",
      };
    }
  };

  /** Puts the question to the person at the client, where their own yes counts. True where they decided. */
  const decideHere = async (caller: Caller, { approval, session, call }: Extract<Standing, { is: 'asked' }>, ask: NonNullable<DoorCall['askHere']>) => {
    const { user, team: of } = caller;
    const rule = approversOf(call.tool, permissions.approvers);
    const { slack } = services;
    if (!user || !rule || !slack) return false;
    // Where Slack does not say who somebody is, the card is decided there: it is out.
    const mayDecide = async () => {
      const who = await lookUp(slack, user, rule.groups).catch(
        (error: unknown) => void log.warn({ err: error }, 'who may approve at the client could not be looked up'),
      );
      return who !== undefined && mayApprove({ ...who, team: of, requester: session.opened.by, rule }).ok;
    };
    if (!(await mayDecide())) return false;
    // What can't be shown whole can't be approved; the card says so.
    if (!isShownWhole(approval)) return false;
    const said = await ask(inWords(approval, call.tool));
    // They may have thought for minutes: who they are counts when they answer.
    if (said === 'nothing' || !(await mayDecide())) return false;
    await deliver(`here:${approval.id}/${randomUUID()}`, { do: said === 'yes' ? 'approve' : 'deny', session: session.id, approval: approval.id, by: user });
    return true;
  };

  const lookUp = async (slack: SlackService, user: string, groups: readonly string[]) => {
    const groupMembers = await everyoneIn(slack, groups, true);
    return { user: await slack.person(user, undefined, true), groupMembers };
  };

  return {
    deps,
    atDoor: (principal) => (call) => (call.tool.kind === 'read' ? look(principal, call) : act(principal, call)),
    turnedAway: (principal) => (call) => turnedAway(principal, call),
  };
}

async function outcomeOf(answer: DoorAnswer, put: (data: Uint8Array) => Promise<string>): Promise<Outcome> {
  if (answer.is === 'refused') return { status: 'refused', text: answer.why };
  if (answer.is !== 'answer') return { status: 'failed', text: 'why' in answer ? answer.why : 'No answer.' };
  const { text, data } = answer.answer;
  const pictures = answer.answer.kind === 'done' ? (answer.answer.images ?? []) : [];
  const images = await Promise.all(
    pictures.map(async ({ data: bytes, mediaType, alt }) => ({ sha256: await put(bytes), bytes: bytes.length, media_type: mediaType, alt })),
  );
  return { status: 'ok', text, data, ...(images.length > 0 ? { images } : {}) };
}
