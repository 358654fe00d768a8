import { completable } from '@modelcontextprotocol/sdk/server/completable.js';
import { McpServer, ResourceTemplate } from '@modelcontextprotocol/sdk/server/mcp.js';
import type { RequestHandlerExtra } from '@modelcontextprotocol/sdk/shared/protocol.js';
import {
  CallToolRequestSchema,
  type CallToolResult,
  ListToolsRequestSchema,
  type Tool as McpTool,
  type ServerNotification,
  type ServerRequest,
} from '@modelcontextprotocol/sdk/types.js';
import { z } from 'zod';
import { DEEPEST_ARGUMENTS, isNestedDeeperThan } from '../policy/nesting.ts';
import { visible } from '../policy/outside-text.ts';
import { scrubDeep } from '../policy/secrets.ts';
import { version } from '../version.ts';
import { type Tool, ToolError } from './define-tool.ts';
import type { AtDoor, DoorAnswer, TurnedAway } from './door.ts';
import { type CallScope, type GateDeps, gate } from './gate.ts';
import { instructions } from './instructions.ts';
import { listed, outputOf } from './listing.ts';
import { HOST, present, presentFailure, SAID } from './present.ts';
import type { Prompt } from './prompts.ts';
import { type Resource, resources } from './resources.ts';

/** Where a caller in this process says which call it makes. Hidden from models: `_meta` is not part of the arguments. No door reads it. */
export const CALL = 'labmate/call';

type Extra = RequestHandlerExtra<ServerRequest, ServerNotification>;
export type Cleaning = Pick<GateDeps, 'clean' | 'suspect'>;
type Invoke = (tool: Tool, input: Record<string, unknown>, extra: Extra) => Promise<DoorAnswer>;

const self = () => ({ name: 'labmate', title: 'labmate', version: version() });
/** How long a person at a client may think about a question. */
const ASK_MS = 5 * 60_000;
const PROGRESS_EVERY_MS = 10_000;
/** Whoever calls a tool that is not there can call it anything. */
const LONGEST_NAME = 200;

/** The catalog as an MCP server inside this process: what a worker's session calls. */
export function toolServer(catalog: readonly Tool[], deps: GateDeps, scopes: (reference: string) => CallScope | null): McpServer {
  const server = new McpServer(self(), { capabilities: { tools: { listChanged: false } } });
  offer(server, catalog, deps, (tool, input, extra) => {
    const reference = extra._meta?.[CALL];
    return gate(tool, input, typeof reference === 'string' ? scopes(reference) : null, deps);
  });
  return server;
}

export type DoorServer = {
  tools: readonly Tool[];
  prompts: readonly Prompt[];
  atDoor: AtDoor;
  /** Writes down a call that is made no further. Throws nothing; absent where there is no log. */
  turnedAway?: ((call: TurnedAway) => Promise<void>) | undefined;
  clean: GateDeps['clean'];
};

/** The catalog for a client of another program: the same tools behind the same gate, with instructions, prompts and resources. */
export function doorServer({ tools, prompts, atDoor, turnedAway, clean }: DoorServer): McpServer {
  const server = new McpServer(self(), { capabilities: { tools: { listChanged: false } }, instructions: instructions(tools) });
  const invoke: Invoke = async (tool, given, extra) => {
    if (isNestedDeeperThan(DEEPEST_ARGUMENTS, given)) throw await refused(tool.name, given, tooDeep());
    return withProgress(extra, () =>
      atDoor({ tool, input: asMeant(tool, given), client: clientOf(server), signal: extra.signal, askHere: askHere(server, extra) }),
    );
  };
  const refused = async (tool: string, given: Record<string, unknown>, why: ToolError) => {
    // Who writes down what is nested too deep falls over it.
    const input = isNestedDeeperThan(DEEPEST_ARGUMENTS, given) ? {} : given;
    await turnedAway?.({ tool: tool.slice(0, LONGEST_NAME), input, client: clientOf(server), why: why.what });
    return why;
  };
  const unknown = async (name: string, given: Record<string, unknown>) => refused(name, given, noSuchTool(name));
  // What the host does with an answer is nobody's business outside.
  offer(server, tools, { clean }, invoke, { unknown, last: withoutHostNote });
  for (const prompt of prompts) offerPrompt(server, prompt);
  for (const resource of resources(tools))
    offerResource(server, resource, async (input, extra) => cleaned(present(await invoke(resource.tool, input, extra)), { clean }));
  return server;
}

/** An identical call is one that means the same, however it is written; what the tool does not take stays as it came, for the log. */
function asMeant(tool: Tool, input: Record<string, unknown>): Record<string, unknown> {
  const read = tool.input.safeParse(input);
  return read.success ? (read.data as Record<string, unknown>) : input;
}

const tooDeep = () => new ToolError('BAD_ARGUMENTS', `These arguments are nested more than ${DEEPEST_ARGUMENTS} levels deep.`, 'send flatter ones.');
const noSuchTool = (name: string) => new ToolError('NO_SUCH_TOOL', `Tool ${visible(name.slice(0, LONGEST_NAME))} not found.`, 'call one that is listed.');

type Differently = {
  /** Hears of a call to a tool that is not offered, and says why it is none. */
  unknown?: (name: string, input: Record<string, unknown>) => Promise<ToolError>;
  last?: (result: CallToolResult) => CallToolResult;
};

/**
 * In place of the SDK's own handlers: its list spends a fifth more on the same, and its call answers for tools that are not offered without telling anybody.
 * The gate holds the arguments against the tool's schema: what it refuses is refused in our words, and stands in the caller's log.
 */
function offer(server: McpServer, tools: readonly Tool[], cleaning: Cleaning, invoke: Invoke, differently: Differently = {}): void {
  const { unknown = async (name: string) => noSuchTool(name), last = (result: CallToolResult) => result } = differently;
  const byName = new Map(tools.map((tool) => [tool.name, tool]));
  const outputs = new Map<Tool, z.ZodObject>();
  const checked = (tool: Tool, result: CallToolResult): CallToolResult => {
    if (result.isError) return result;
    const output = outputs.get(tool) ?? outputOf(tool);
    outputs.set(tool, output);
    const read = output.safeParse(result.structuredContent);
    return read.success ? result : failed(`Output validation error: Invalid structured content for tool ${tool.name}: ${read.error.message}`);
  };
  server.server.setRequestHandler(CallToolRequestSchema, async ({ params: { name, arguments: input = {} } }, extra) => {
    const tool = byName.get(name);
    const made = tool ? invoke(tool, input, extra).then(present) : unknown(name, input).then(presentFailure);
    // A fault of ours is an answer, too: the caller would wait for none.
    const result = await made.catch(presentFailure).catch((error: unknown) => failed(error instanceof Error ? error.message : String(error)));
    const clean = last(cleaned(result, cleaning));
    return tool ? checked(tool, clean) : clean;
  });
  let list: McpTool[] | undefined;
  server.server.setRequestHandler(ListToolsRequestSchema, () => {
    list ??= tools.map((tool) => listed(tool) as McpTool);
    return { tools: list };
  });
}

function failed(text: string): CallToolResult {
  return { isError: true, content: [{ type: 'text', text }] };
}

/** A backend may echo what it was asked with, in an answer as in an error: no credential reaches who asked, at any door. */
export function cleaned(result: CallToolResult, { clean, suspect }: Cleaning): CallToolResult {
  if (!clean || (suspect && !suspect(JSON.stringify(result)))) return result;
  return scrubDeep(result, clean);
}

function withoutHostNote({ _meta, ...result }: CallToolResult): CallToolResult {
  const { [HOST]: _ours, [SAID]: _said, ...rest } = _meta ?? {};
  return Object.keys(rest).length > 0 ? { ...result, _meta: rest } : result;
}

function offerPrompt(server: McpServer, prompt: Prompt): void {
  const argument = ({ description, required, complete }: Prompt['arguments'][string]) => {
    const text = (required ? z.string() : z.string().optional()).describe(description);
    return complete ? completable(text, (begun) => complete(begun ?? '')) : text;
  };
  const argsSchema = Object.fromEntries(Object.entries(prompt.arguments).map(([name, a]) => [name, argument(a)]));
  server.registerPrompt(prompt.name, { title: prompt.title, description: prompt.description, argsSchema }, (args) => ({
    messages: [{ role: 'user', content: { type: 'text', text: prompt.text(args as Record<string, string | undefined>) } }],
  }));
}

function offerResource(
  server: McpServer,
  { name, uriTemplate, title, description, input }: Resource,
  call: (input: Record<string, unknown>, extra: Extra) => Promise<CallToolResult>,
): void {
  // What there is to read is without end, so nothing is listed; an id comes from a tool's answer.
  const template = new ResourceTemplate(uriTemplate, { list: undefined });
  server.registerResource(name, template, { title, description, mimeType: 'application/json' }, async (uri, variables, extra) => {
    const { content, structuredContent, isError } = await call(input(String(variables['id'])), extra);
    const text = content.flatMap((part) => (part.type === 'text' ? [part.text] : [])).join('\n');
    if (isError) throw new Error(text);
    return {
      contents: [
        { uri: uri.href, mimeType: 'application/json', text: JSON.stringify(structuredContent, null, 2) },
        { uri: uri.href, mimeType: 'text/markdown', text },
      ],
    };
  });
}

function clientOf(server: McpServer): string {
  const { name, version } = server.server.getClientVersion() ?? { name: 'a client', version: '' };
  return `${name} ${version}`.trim().slice(0, 80);
}

/** Clients that can show a form may put a question to their person. A decline is a no; closing it, or no answer, is none. */
function askHere(server: McpServer, extra: Extra): ((message: string) => Promise<'yes' | 'no' | 'nothing'>) | undefined {
  if (!server.server.getClientCapabilities()?.elicitation) return undefined;
  return async (message) => {
    try {
      const { action, content } = await server.server.elicitInput(
        {
          mode: 'form',
          message,
          requestedSchema: {
            type: 'object',
            properties: { approve: { type: 'boolean', title: 'Approve', description: 'Send exactly this, once', default: false } },
            required: ['approve'],
          },
        },
        { relatedRequestId: extra.requestId, timeout: ASK_MS, signal: extra.signal },
      );
      if (action === 'decline') return 'no';
      return action === 'accept' ? (content?.['approve'] === true ? 'yes' : 'no') : 'nothing';
    } catch {
      // Gone, or too slow: nobody has said anything.
      return 'nothing';
    }
  };
}

/** Hosts give up a call that is silent for a minute. */
async function withProgress<T>({ _meta, sendNotification }: Extra, work: () => Promise<T>): Promise<T> {
  const token = _meta?.progressToken;
  if (token === undefined) return work();
  let ticks = 0;
  const timer = setInterval(() => {
    ticks += 1;
    const params = { progressToken: token, progress: ticks, message: `${(ticks * PROGRESS_EVERY_MS) / 1000} s` };
    void sendNotification({ method: 'notifications/progress', params }).catch(() => {});
  }, PROGRESS_EVERY_MS);
  try {
    return await work();
  } finally {
    clearInterval(timer);
  }
}
