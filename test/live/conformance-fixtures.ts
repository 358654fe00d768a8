import { completable } from '@modelcontextprotocol/sdk/server/completable.js';
import { type McpServer, ResourceTemplate } from '@modelcontextprotocol/sdk/server/mcp.js';
import {
  ListToolsRequestSchema,
  type RequestId,
  SetLevelRequestSchema,
  SubscribeRequestSchema,
  UnsubscribeRequestSchema,
} from '@modelcontextprotocol/sdk/types.js';
import { z } from 'zod';

/** One pixel, and a WAV file without sound. */
const PNG = 'iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==';
const WAV = 'UklGRiQAAABXQVZFZm10IBAAAAABAAEAQB8AAEAfAAABAAgAZGF0YQAAAAA=';
const SCHEMA = {
  $schema: 'https://json-schema.org/draft/2020-12/schema',
  type: 'object' as const,
  $defs: { address: { type: 'object', properties: { street: { type: 'string' }, city: { type: 'string' } } } },
  properties: { name: { type: 'string' }, address: { $ref: '#/$defs/address' } },
  additionalProperties: false,
};

const text = (words: string) => ({ content: [{ type: 'text' as const, text: words }] });
const wait = () => new Promise((resolve) => setTimeout(resolve, 50));

/** What the conformance suite asks a server for besides the protocol: only here, on the real door. Our own tools stay as they are. */
export function addFixtures(server: McpServer): McpServer {
  server.server.registerCapabilities({ logging: {}, resources: { subscribe: true } });
  server.server.setRequestHandler(SetLevelRequestSchema, () => ({}));
  const tool = server.registerTool.bind(server);
  tool('test_simple_text', {}, () => text('This is a simple text response for testing.'));
  tool('test_image_content', {}, () => ({ content: [{ type: 'image', data: PNG, mimeType: 'image/png' }] }));
  tool('test_audio_content', {}, () => ({ content: [{ type: 'audio', data: WAV, mimeType: 'audio/wav' }] }));
  const resource = { type: 'resource' as const, resource: { uri: 'test://embedded-resource', mimeType: 'text/plain', text: 'An embedded resource.' } };
  tool('test_embedded_resource', {}, () => ({ content: [resource] }));
  tool('test_multiple_content_types', {}, () => ({
    content: [{ type: 'text', text: 'Several kinds.' }, { type: 'image', data: PNG, mimeType: 'image/png' }, resource],
  }));
  tool('test_tool_with_logging', {}, async (extra) => {
    for (const data of ['Tool execution started', 'Tool processing data', 'Tool execution completed']) {
      await extra.sendNotification({ method: 'notifications/message', params: { level: 'info', data } });
      await wait();
    }
    return text('Logged.');
  });
  tool('test_tool_with_progress', {}, async ({ _meta, sendNotification }) => {
    for (const progress of [0, 50, 100]) {
      await sendNotification({ method: 'notifications/progress', params: { progressToken: _meta?.progressToken ?? 0, progress, total: 100 } });
      await wait();
    }
    return text('Done.');
  });
  tool('test_error_handling', {}, () => ({ ...text('This tool intentionally returns an error for testing'), isError: true }));
  tool('test_reconnection', {}, async ({ closeSSEStream }) => {
    closeSSEStream?.();
    await wait();
    return text('Reconnected.');
  });
  // A question goes down the stream of the call that asks it: a client's own stream may not be open yet, and what is put there then is lost.
  tool('test_sampling', { inputSchema: { prompt: z.string() } }, async ({ prompt }, { requestId }) => {
    const asked = { messages: [{ role: 'user' as const, content: { type: 'text' as const, text: prompt } }], maxTokens: 100 };
    const { content } = await server.server.createMessage(asked, { relatedRequestId: requestId });
    return text(`LLM response: ${JSON.stringify(content)}`);
  });
  const elicit = async (requestId: RequestId, message: string, properties: Record<string, unknown>, required?: string[]) => {
    const requestedSchema = { type: 'object', properties, ...(required ? { required } : {}) } as never;
    const { action, content } = await server.server.elicitInput({ mode: 'form', message, requestedSchema }, { relatedRequestId: requestId });
    return text(`User response: action=${action}, content=${JSON.stringify(content)}`);
  };
  tool('test_elicitation', { inputSchema: { message: z.string() } }, ({ message }, { requestId }) =>
    elicit(requestId, message, { username: { type: 'string', description: 'name' }, email: { type: 'string', description: 'address' } }, ['username', 'email']),
  );
  tool('test_elicitation_sep1034_defaults', {}, ({ requestId }) =>
    elicit(requestId, 'Defaults', {
      name: { type: 'string', default: 'John Doe' },
      age: { type: 'integer', default: 30 },
      score: { type: 'number', default: 95.5 },
      status: { type: 'string', enum: ['active', 'inactive', 'pending'], default: 'active' },
      verified: { type: 'boolean', default: true },
    }),
  );
  const titled = ['value1', 'value2', 'value3'].map((value, i) => ({ const: value, title: `Option ${i + 1}` }));
  tool('test_elicitation_sep1330_enums', {}, ({ requestId }) =>
    elicit(requestId, 'Enums', {
      untitledSingle: { type: 'string', enum: ['option1', 'option2', 'option3'] },
      titledSingle: { type: 'string', oneOf: titled },
      legacyEnum: { type: 'string', enum: ['opt1', 'opt2', 'opt3'], enumNames: ['Option One', 'Option Two', 'Option Three'] },
      untitledMulti: { type: 'array', items: { type: 'string', enum: ['option1', 'option2', 'option3'] } },
      titledMulti: { type: 'array', items: { anyOf: titled } },
    }),
  );
  tool('json_schema_2020_12_tool', {}, () => text('Fine.'));
  answerFixtures(server);
  showExactSchema(server);
  resourcesAndPrompts(server);
  return server;
}

type Handler = (request: unknown, extra: unknown) => Promise<{ tools: object[] }>;
const handlersOf = (server: McpServer) => (server.server as unknown as { _requestHandlers: Map<string, Handler> })._requestHandlers;
const isFixture = (name: string) => name.startsWith('test_') || name.startsWith('json_schema');

/** The door answers calls by itself, and knows no fixture: those go the SDK's own way, and everything else the door's. */
function answerFixtures(server: McpServer): void {
  const handlers = handlersOf(server);
  const [list, call] = ['tools/list', 'tools/call'].map((method) => handlers.get(method) as Handler);
  for (const method of ['tools/list', 'tools/call']) handlers.delete(method);
  const own = server as unknown as { _toolHandlersInitialized: boolean; setToolRequestHandlers(): void };
  own._toolHandlersInitialized = false;
  own.setToolRequestHandlers();
  const theirs = handlers.get('tools/call') as Handler;
  handlers.set('tools/list', list as Handler);
  handlers.set('tools/call', (request, extra) => {
    const { params } = request as { params: { name: string } };
    return (isFixture(params.name) ? theirs : (call as Handler))(request, extra);
  });
}

/** The SDK would write its own schema in place of the one that is asked for. */
function showExactSchema(server: McpServer): void {
  const handlers = handlersOf(server);
  const ours = handlers.get('tools/list');
  const registered = Object.entries(
    (server as unknown as { _registeredTools: Record<string, { description?: string; inputSchema?: z.ZodType }> })._registeredTools,
  );
  server.server.setRequestHandler(ListToolsRequestSchema, async (request, extra) => {
    const listed = (await ours?.(request, extra))?.tools ?? [];
    const fixtures = registered
      .filter(([name]) => isFixture(name))
      .map(([name, { inputSchema }]) => ({
        name,
        description: 'A fixture.',
        inputSchema: name.startsWith('json_schema') ? SCHEMA : inputSchema ? (z.toJSONSchema(inputSchema) as { type: 'object' }) : { type: 'object' as const },
      }));
    return { tools: [...listed, ...fixtures] } as never;
  });
}

function resourcesAndPrompts(server: McpServer): void {
  server.registerResource('static-text', 'test://static-text', { mimeType: 'text/plain' }, ({ href }) => ({
    contents: [{ uri: href, mimeType: 'text/plain', text: 'This is the content of the static text resource.' }],
  }));
  server.registerResource('static-binary', 'test://static-binary', { mimeType: 'image/png' }, ({ href }) => ({
    contents: [{ uri: href, mimeType: 'image/png', blob: PNG }],
  }));
  server.registerResource('watched', 'test://watched-resource', { mimeType: 'text/plain' }, ({ href }) => ({ contents: [{ uri: href, text: 'Watched.' }] }));
  server.registerResource('template', new ResourceTemplate('test://template/{id}/data', { list: undefined }), {}, ({ href }, { id }) => ({
    contents: [{ uri: href, mimeType: 'application/json', text: JSON.stringify({ id, templateTest: true, data: `Data for ID: ${String(id)}` }) }],
  }));
  server.server.setRequestHandler(SubscribeRequestSchema, () => ({}));
  server.server.setRequestHandler(UnsubscribeRequestSchema, () => ({}));
  const said = (...content: object[]) => ({ messages: content.map((c) => ({ role: 'user' as const, content: c as { type: 'text'; text: string } })) });
  server.registerPrompt('test_simple_prompt', { description: 'A fixture.' }, () => said({ type: 'text', text: 'This is a simple prompt for testing.' }));
  server.registerPrompt(
    'test_prompt_with_arguments',
    { description: 'A fixture.', argsSchema: { arg1: completable(z.string(), () => ['paris', 'park', 'party']), arg2: z.string() } },
    ({ arg1, arg2 }) => said({ type: 'text', text: `Prompt with arguments: arg1='${arg1}', arg2='${arg2}'` }),
  );
  server.registerPrompt('test_prompt_with_embedded_resource', { description: 'A fixture.', argsSchema: { resourceUri: z.string() } }, ({ resourceUri }) =>
    said({ type: 'resource', resource: { uri: resourceUri, mimeType: 'text/plain', text: 'Embedded.' } }, { type: 'text', text: 'Please look at it.' }),
  );
  server.registerPrompt('test_prompt_with_image', { description: 'A fixture.' }, () =>
    said({ type: 'image', data: PNG, mimeType: 'image/png' }, { type: 'text', text: 'Look.' }),
  );
}
