import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { catalog } from '../../src/tools/catalog.ts';
import { allBackends } from './all-backends.ts';

// What a model sees of the tools, read over MCP. A change of it is a change of a snapshot, and every turn pays for its bytes.

/** Dense JSON and plain English come to 3.6 bytes a token or more with the tokenizers in use; fewer bytes a token would need other alphabets. */
const BYTES_PER_TOKEN = 3.6;
const MOST_TOKENS = 7_000;
const MOST_TOOLS = 25;

type Schema = { type?: unknown; properties?: Record<string, Schema>; items?: Schema; additionalProperties?: unknown };

let world: Awaited<ReturnType<typeof allBackends>>;
let tools: Awaited<ReturnType<typeof world.connect>>['tools'];
beforeAll(async () => {
  world = await allBackends();
  tools = (await world.connect()).tools;
});
afterAll(() => world.close());

const tokensOf = (value: unknown) => Math.ceil(Buffer.byteLength(JSON.stringify(value)) / BYTES_PER_TOKEN);

test('there are at most 25 tools, and their list stays under 7,000 tokens', () => {
  const heaviest = tools.map((tool) => ({ name: tool.name, tokens: tokensOf(tool) })).sort((a, b) => b.tokens - a.tokens);
  const all = tokensOf({ tools });
  process.stdout.write(
    `tools/list: ${tools.length} tools, ${all} tokens of at most ${MOST_TOKENS}; ${heaviest.map((t) => `${t.name} ${t.tokens}`).join(', ')}\n`,
  );
  expect(tools.length).toBeLessThanOrEqual(MOST_TOOLS);
  expect(all).toBeLessThan(MOST_TOKENS);
});

test('their order is settled: the list is part of what a model caches', () => {
  expect(tools.map((tool) => tool.name)).toEqual([
    'run_databricks_job',
    'wait_for_job',
    'get_job_status',
    'cancel_job_run',
    'list_databricks_jobs',
    'fetch_mlflow_run',
    'find_best_run',
    'compare_runs',
    'create_github_pr',
    'get_github_file',
    'get_grafana_panel',
    'post_to_slack',
    'ask_person',
    'get_job_output',
    'list_experiments',
    'search_runs',
    'get_metric_history',
    'diagnose_run',
    'get_run_artifact',
    'tag_run',
    'update_tracking_doc',
    'search_dashboards',
    'get_experiment_record',
    'get_approval',
  ]);
});

describe.each(catalog.map((tool) => tool.name))('%s', (name) => {
  const seen = () => tools.find((tool) => tool.name === name)!;

  test('is seen as its snapshot says', async () => {
    await expect(`${JSON.stringify(seen(), null, 2)}\n`).toMatchFileSnapshot(`__snapshots__/${name}.json`);
  });

  test('says when to use it and what it is not for, and names only tools that exist', () => {
    const { description = '', title } = seen();
    expect(title).toBeTruthy();
    expect(description).toMatch(/\bUse when /);
    expect(description).toMatch(/\bNot for /);
    expect(description.length).toBeLessThan(500);
    for (const [mentioned] of description.matchAll(/\b(?:get|list|search|find|fetch|compare|create|post|ask|run|wait|cancel|tag|update|diagnose)_[a-z_]+/g)) {
      expect([...catalog.map((tool) => tool.name), 'run_id', 'run_ids']).toContain(mentioned);
    }
  });

  test('takes nothing it does not know, at any depth', () => {
    const tool = catalog.find((t) => t.name === name)!;
    const strange = tool.input.safeParse({ approved: true });
    expect(strange.error?.issues.some((issue) => issue.code === 'unrecognized_keys' && issue.keys.includes('approved'))).toBe(true);
    for (const object of objectsIn(seen().inputSchema as Schema)) expect(object.additionalProperties, JSON.stringify(object)).toBe(false);
  });

  test('has ids that are text, and all four hints', () => {
    const fields = [...Object.entries(propertiesOf(seen().inputSchema)), ...Object.entries(propertiesOf(seen().outputSchema))];
    for (const [key, schema] of fields) if (/(^|_)id$/.test(key)) expect([key, schema.type]).toEqual([key, 'string']);
    expect(Object.keys(seen().annotations ?? {}).sort()).toEqual(['destructiveHint', 'idempotentHint', 'openWorldHint', 'readOnlyHint']);
  });
});

test('an id may come as a small number, and is text from there on', () => {
  const tool = catalog.find((t) => t.name === 'get_job_status')!;
  expect(tool.input.parse({ run_id: 123 })).toEqual({ run_id: '123' });
  expect(tool.input.parse({ run_id: '9223372036854775807' })).toEqual({ run_id: '9223372036854775807' });
});

function propertiesOf(schema: unknown): Record<string, Schema> {
  return (schema as Schema | undefined)?.properties ?? {};
}

/** Every object with named fields; a map from names to values has none. */
function objectsIn(schema: Schema): Schema[] {
  const inside = [...Object.values(schema.properties ?? {}), ...(schema.items ? [schema.items] : [])].flatMap(objectsIn);
  return schema.properties ? [schema, ...inside] : inside;
}
