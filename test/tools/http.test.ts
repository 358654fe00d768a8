import { createHash } from 'node:crypto';
import { request } from 'node:http';
import { Client } from '@modelcontextprotocol/sdk/client/index.js';
import { StreamableHTTPClientTransport } from '@modelcontextprotocol/sdk/client/streamableHttp.js';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { catalog } from '../../src/tools/catalog.ts';
import type { Principal } from '../../src/tools/door.ts';
import { serveHttp } from '../../src/tools/http.ts';
import { prompts } from '../../src/tools/prompts.ts';
import { doorServer } from '../../src/tools/server.ts';
import { allBackends, settings } from './all-backends.ts';

const TOKENS = { reader: 'reader-token-1', writer: 'writer-token-1', elsewhere: 'other-token-1' };
const sha256 = (text: string) => createHash('sha256').update(text).digest('hex');
const access = {
  host: '127.0.0.1',
  allowedHosts: ['labmate.acme.dev'],
  tokens: {
    [sha256(TOKENS.reader)]: { user: 'U1', scope: 'read' as const },
    [sha256(TOKENS.writer)]: { user: 'U2', scope: 'write' as const },
    [sha256(TOKENS.elsewhere)]: { user: 'U3', scope: 'write' as const, audience: 'staging.acme.dev' },
  },
};

let world: Awaited<ReturnType<typeof allBackends>>;
let door: Awaited<ReturnType<typeof serveHttp>>;
const failures: unknown[] = [];
beforeAll(async () => {
  world = await allBackends();
  const serverFor = ({ scope }: Principal) => {
    const tools = catalog.filter((tool) => scope === 'write' || tool.kind === 'read');
    const offered = prompts(tools, { services: world.services, settings });
    return doorServer({ tools, prompts: offered, atDoor: world.atDoor, clean: undefined });
  };
  door = await serveHttp({ ...access, port: 0, serverFor, failed: (error) => failures.push(error) });
});
afterAll(async () => {
  await door.close();
  await world.close();
  expect(failures).toEqual([]);
});

async function connect(token: string): Promise<Client> {
  const client = new Client({ name: 'a-client', version: '1' });
  const transport = new StreamableHTTPClientTransport(new URL(door.url), { requestInit: { headers: { Authorization: `Bearer ${token}` } } });
  await client.connect(transport as Parameters<Client['connect']>[0]);
  return client;
}

/** A raw request: fetch would not let us lie about Host. */
function status(headers: Record<string, string>, path = '/mcp'): Promise<{ status: number; body: string; challenge: string | undefined }> {
  const body = JSON.stringify({ jsonrpc: '2.0', id: 1, method: 'ping' });
  return new Promise((resolve, reject) => {
    const asked = request(new URL(door.url), { path, method: 'POST', headers: { 'content-type': 'application/json', ...headers } }, (answer) => {
      let text = '';
      answer.setEncoding('utf8');
      answer.on('data', (part: string) => {
        text += part;
      });
      answer.on('end', () => resolve({ status: answer.statusCode ?? 0, body: text, challenge: answer.headers['www-authenticate'] }));
    });
    asked.on('error', reject);
    asked.end(body);
  });
}

describe('who may come in over HTTP', () => {
  const bearer = { authorization: `Bearer ${TOKENS.writer}` };
  test.each([
    ['no token', {}, 401],
    ['an unknown token', { authorization: 'Bearer nope' }, 401],
    ["a token's digest in place of the token", { authorization: `Bearer ${sha256(TOKENS.writer)}` }, 401],
    ['a token made for another server', { authorization: `Bearer ${TOKENS.elsewhere}` }, 401],
    ['a name of an attacker, as DNS rebinding gives', { ...bearer, host: 'evil.example' }, 403],
    ['a page from elsewhere', { ...bearer, origin: 'https://evil.example' }, 403],
    ['an origin that is no page', { ...bearer, origin: 'null' }, 403],
    ["another principal's or no connection", { ...bearer, 'mcp-session-id': 'made-up' }, 404],
  ])('%s is sent away', async (_what, headers, expected) => {
    const answer = await status(headers);
    expect(answer.status).toBe(expected);
    expect(answer.challenge).toBe(expected === 401 ? 'Bearer realm="labmate"' : undefined);
    expect(JSON.parse(answer.body)).toMatchObject({ jsonrpc: '2.0', error: { message: expect.stringMatching(/\w/) } });
  });

  test.each([
    ['the loopback name', bearer],
    ['the name it is reached by', { ...bearer, host: 'labmate.acme.dev' }],
    ['its own page', { ...bearer, origin: 'https://labmate.acme.dev' }],
  ])('%s gets as far as the protocol', async (_what, headers) => {
    // A ping without a connection: the protocol's own 400 or 406, no refusal of ours.
    expect([400, 406]).toContain((await status(headers)).status);
  });

  test.each(['/', '//', '//any/mcp', '/mcp/'])('there is nothing beside /mcp, such as %s', async (path) =>
    expect((await status(bearer, path)).status).toBe(404),
  );

  test('a port that is taken names the variable', async () => {
    const port = Number(new URL(door.url).port);
    const again = serveHttp({ ...access, port, serverFor: () => Promise.reject() as never, failed: () => {} });
    await expect(again).rejects.toThrow(`MCP_HTTP_PORT ${port} on 127.0.0.1 cannot be opened (EADDRINUSE): choose another with MCP_HTTP_PORT, or`);
  });

  test('beyond loopback it does not open without tokens and names', async () => {
    const open = (more: object) => serveHttp({ ...access, host: '0.0.0.0', port: 0, serverFor: () => Promise.reject() as never, failed: () => {}, ...more });
    await expect(open({ tokens: {} })).rejects.toThrow('beyond loopback MCP_HTTP_TOKENS must name at least one token');
    await expect(open({ allowedHosts: [] })).rejects.toThrow('MCP_HTTP_ALLOWED_HOSTS must name the hosts');
    // Behind a proxy of this machine everybody comes from here.
    await expect(open({ host: '127.0.0.1', tokens: {} })).rejects.toThrow('MCP_HTTP_ALLOWED_HOSTS names labmate.acme.dev: whoever comes from beyond');
  });
});

describe('what a client finds', () => {
  test('the scope of its token bounds what it sees and can call', async () => {
    const reader = await connect(TOKENS.reader);
    const writer = await connect(TOKENS.writer);
    const names = async (client: Client) => (await client.listTools()).tools.map((tool) => tool.name);
    expect(await names(writer)).toEqual(catalog.map((tool) => tool.name));
    expect(await names(reader)).toEqual(catalog.filter((tool) => tool.kind === 'read').map((tool) => tool.name));
    const call = { name: 'run_databricks_job', arguments: { job_id: '101' } };
    expect(await reader.callTool(call)).toMatchObject({ isError: true, content: [{ text: expect.stringContaining('not found') }] });
    expect(reader.getInstructions()).not.toContain('requires_confirmation');
    expect(writer.getInstructions()).toContain('the identical call');
    await Promise.all([reader.close(), writer.close()]);
  });

  test("one principal's connection is not another's", async () => {
    const client = await connect(TOKENS.writer);
    const id = (client.transport as StreamableHTTPClientTransport).sessionId!;
    expect((await status({ authorization: `Bearer ${TOKENS.reader}`, 'mcp-session-id': id })).status).toBe(404);
    expect((await status({ authorization: `Bearer ${TOKENS.writer}`, 'mcp-session-id': id })).status).not.toBe(404);
    await client.close();
  });

  test('prompts with completions, and addresses that are read through the tools', async () => {
    const client = await connect(TOKENS.reader);
    expect((await client.listPrompts()).prompts.map((p) => p.name)).toEqual(['compare_to_best', 'investigate_failed_run']);
    const complete = async (name: string, value: string) =>
      (await client.complete({ ref: { type: 'ref/prompt', name: 'compare_to_best' }, argument: { name, value } })).completion.values;
    expect(await complete('experiment', 'ads')).toContain('ads-rank-v3');
    expect(await complete('metric', 'val_l')).toEqual(['val_loss']);
    const { messages } = await client.getPrompt({ name: 'compare_to_best', arguments: { run_id: 'a'.repeat(32), metric: 'val_f1' } });
    expect(messages).toEqual([{ role: 'user', content: { type: 'text', text: expect.stringContaining('exclude_run_ids') } }]);

    expect((await client.listResourceTemplates()).resourceTemplates.map((r) => r.uriTemplate)).toEqual([
      'mlflow://runs/{id}',
      'databricks://runs/{id}',
      'record://sessions/{id}',
    ]);
    const run = world.seeded('sweep-03');
    const { contents } = await client.readResource({ uri: `mlflow://runs/${run}` });
    expect(contents.map((c) => c.mimeType)).toEqual(['application/json', 'text/markdown']);
    expect(JSON.parse((contents[0] as { text: string }).text)).toMatchObject({ run_id: run });
    await expect(client.readResource({ uri: `mlflow://runs/${'0'.repeat(32)}` })).rejects.toThrow('RUN_NOT_FOUND');
    await client.close();
  });

  test('no answer tells outside what the host does with it', async () => {
    const client = await connect(TOKENS.writer);
    const answer = await client.callTool({ name: 'run_databricks_job', arguments: { job_id: '101' }, _meta: { 'labmate/call': 'made up' } });
    expect(answer).toMatchObject({ isError: true, content: [{ text: expect.stringContaining('There is no session here') }] });
    expect(answer._meta).toBeUndefined();
    const failed = await client.callTool({ name: 'fetch_mlflow_run', arguments: { run_id: '0'.repeat(32) } });
    expect(failed).toMatchObject({ isError: true, content: [{ text: expect.stringMatching(/^RUN_NOT_FOUND: .* Next: .* \(not retryable\)$/) }] });
    expect(failed._meta).toBeUndefined();
    await client.close();
  });
});
