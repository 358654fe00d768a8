import { z } from 'zod';
import { canonicalJson } from '../policy/digest.ts';
import { visible } from '../policy/outside-text.ts';
import { UpstreamError } from '../services/http.ts';
import { done, type Plan, type Refusal, type ToolAnswer, ToolError, type WriteTool } from './define-tool.ts';
import { type Wrong, whatIsWrong } from './foreign-arguments.ts';
import { type Definition, definitionHash, type Fitted } from './foreign-definition.ts';
import { type ForeignResult, readResult } from './foreign-result.ts';

/** A call that a mounted server did not answer, would not take, or answered with an error of the protocol. */
export class MountFailure extends Error {
  override readonly name = 'MountFailure';
  /** `away`: it may have happened all the same. `refused`: it has not. */
  readonly is: 'away' | 'refused' | 'answered';

  constructor(message: string, { is, cause }: { is: MountFailure['is']; cause?: unknown }) {
    super(message, cause === undefined ? {} : { cause });
    this.is = is;
  }
}

export type Mounted = {
  /** As models and rules call it. */
  name: string;
  /** The server, as labmate.json calls it, and in a few words where it is. */
  server: string;
  where: string;
  trusted: boolean;
  timeoutMs: number;
  definition: Definition;
  fitted: Extract<Fitted, { fit: true }>;
};

/** The way to the server, for a process that may call it; both throw MountFailure. */
export type Remote = {
  /** Why this tool is not what was pinned, or null where it is. Connects if need be. */
  differs(): Promise<string | null>;
  call(args: Record<string, unknown>, signal: AbortSignal): Promise<unknown>;
};

/** How a mounted server is called where its name stands alone: among backends that are waited for. */
export function upstreamOf(server: string): string {
  return `MCP server ${server}`;
}

/**
 * A mounted server's tool as one of ours, so that it goes through the same gate: what would be sent is what is shown, its definition is held against its pin before
 * anybody is asked and again when it is called, and what comes back is text from outside. `remote` is null where it is only looked at.
 */
export function mountedTool(mounted: Mounted, remote: Remote | null): WriteTool {
  const { name, server, trusted, timeoutMs, definition, fitted } = mounted;
  const { hints } = fitted;
  const hash = definitionHash(definition);
  const called = visible(definition.name).slice(0, 80);
  // What may be sent twice is sent again after a crash; of anything else only a person can find out whether it happened.
  const again = trusted && hints.idempotent;
  return {
    kind: 'write',
    name,
    title: `${called} on ${server}`,
    description: `Of the mounted MCP server ${server}, in its words: ${fitted.description}`,
    input: z.looseObject({}),
    output: z.looseObject({}),
    needs: [],
    destructive: hints.destructive,
    idempotent: again,
    recovery: again ? 'same-key' : 'ask',
    timeoutMs,
    foreign: { upstream: upstreamOf(server), readOnly: trusted ? hints.readOnly : undefined, schema: fitted.schema },
    async plan(input: Record<string, unknown>, { session }): Promise<Plan | Refusal> {
      const wrong = formless(input) ?? whatIsWrong(fitted.schema, input);
      if (wrong !== null) {
        const what = `${called} does not take these arguments: ${visible(wrong.why).slice(0, 500)}.`;
        throw new ToolError('BAD_ARGUMENTS', what, 'correct them by its schema.').about(...wrong.argument);
      }
      // A person has agreed: then the server is waited for. Else the model goes on without it.
      const why = await reached(() => remote?.differs() ?? Promise.resolve(null), server, (session?.approvedBy.length ?? 0) > 0);
      if (why !== null) return { kind: 'refusal', why };
      const facts = [
        { label: 'Server', value: `${server} (${mounted.where})` },
        { label: 'In its words', value: fitted.description.slice(0, 300) || 'nothing is said of it' },
        { label: 'It says of itself', value: `${inWords(hints)}${trusted ? '' : ' (not believed: the server is not marked trusted)'}` },
        { label: 'Definition', value: `pinned, ${hash.slice(0, 12)}` },
      ];
      const preview = { summary: `Call ${called} on the MCP server ${server}`, facts, changes: [], target: hash };
      return { kind: 'plan', arguments: input, touches: {}, preview };
    },
    async run({ arguments: args }, { signal }): Promise<ToolAnswer> {
      if (!remote) throw new Error(`${name} is called where its server can't be reached`);
      const result = readResult(await reached(() => remote.call(args, signal), server, true), `${called} on ${server}`);
      return answered(result, { server, tool: called, definition: hash, ...(trusted && hints.readOnly ? { read_only: true } : {}) });
    },
  } as WriteTool;
}

function answered(
  { failed, text, structured, images }: ForeignResult,
  from: { server: string; tool: string; definition: string /** Believed to be a look only. */; read_only?: boolean },
): ToolAnswer {
  const said = text || (structured === undefined ? 'nothing' : JSON.stringify(structured));
  if (failed)
    throw new ToolError(
      'SERVER_SAYS_NO',
      `${from.tool} on ${from.server} answered with an error: ${JSON.stringify(said.slice(0, 2_000))}.`,
      'see what it says.',
    );
  const data = { ...from, ...(text ? { text } : {}), ...(structured === undefined ? {} : { result: structured }) };
  return done(`${from.server} answered: ${said}`, data, images);
}

/** The server's failures in our words. `waits`: what gets no answer is tried again by the session, and found out about. */
async function reached<T>(ask: () => Promise<T>, server: string, waits: boolean): Promise<T> {
  const asked = await ask().then(
    (answer) => ({ answer }),
    (error: unknown) => ({ error }),
  );
  if ('answer' in asked) return asked.answer;
  const { error } = asked;
  if (!(error instanceof MountFailure)) throw error;
  if (error.is === 'away' && waits) throw new UpstreamError(error.message, { upstream: upstreamOf(server), status: 0, transient: true, cause: error });
  if (error.is === 'away') throw new ToolError('SERVER_AWAY', error.message, 'go on without it, and say so; or call it again later.', true);
  if (error.is === 'refused') throw new ToolError('SERVER_REFUSES', error.message, 'go on without it, and say so.');
  throw new ToolError('SERVER_SAYS_NO', `${server} answered with an error: ${JSON.stringify(visible(error.message).slice(0, 1_000))}.`, 'see what it says.');
}

function inWords({ readOnly, destructive, idempotent }: Mounted['fitted']['hints']): string {
  if (readOnly) return 'it only reads';
  return `it writes, ${destructive ? 'and may destroy something' : 'and destroys nothing'}${idempotent ? '; twice is as once' : ''}`;
}

/** What has no canonical form can't be approved. */
function formless(input: Record<string, unknown>): Wrong | null {
  try {
    canonicalJson(input);
    return null;
  } catch {
    return { argument: [], why: 'they hold something that has no form in JSON' };
  }
}
