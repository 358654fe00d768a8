import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { afterAll, describe, expect, test } from 'vitest';
import { peers } from './peers.ts';
import { runNode } from './run-node.ts';

// MCP's conformance suite for clients, against what mounts other people's servers: every scenario of its `core`, and those of logins without a person.

/** What labmate does not do, and so the checks of it that a scenario can't pass. All of them are about a login with a person at a browser. */
const NO_BROWSER = 'labmate logs in by itself (client credentials) and sends nobody to a browser';
type Held = { fails?: string[]; scopes?: string[] };

/** By scenario: the checks that fail, and what scopes the token was asked for. Everything else in it has to pass. */
const HELD: Record<string, Held> = {
  initialize: {},
  tools_call: {},
  'sse-retry': {},
  'auth/metadata-default': { fails: ['client-registration', 'authorization-request'] },
  'auth/metadata-var1': { fails: ['client-registration', 'authorization-request'] },
  'auth/metadata-var2': { fails: ['client-registration', 'authorization-request'] },
  'auth/metadata-var3': { fails: ['client-registration', 'authorization-request'] },
  'auth/basic-cimd': { fails: ['cimd-client-id-used'] },
  // The suite looks for the scopes in the browser's address; labmate's stand in its request for a token, and are looked at there.
  'auth/scope-from-www-authenticate': { fails: ['scope-from-www-authenticate'], scopes: ['mcp:basic'] },
  'auth/scope-from-scopes-supported': { fails: ['scope-from-scopes-supported'], scopes: ['mcp:basic mcp:read mcp:write'] },
  'auth/scope-omitted-when-undefined': { fails: ['scope-omitted-when-undefined'], scopes: ['none'] },
  'auth/scope-step-up': { fails: ['scope-step-up-initial', 'scope-step-up-escalation'], scopes: ['mcp:basic'] },
  'auth/scope-retry-limit': { fails: ['scope-retry-limit'], scopes: ['mcp:admin'] },
  'auth/token-endpoint-auth-basic': { fails: ['resource-parameter-in-authorization'] },
  'auth/token-endpoint-auth-post': { fails: ['resource-parameter-in-authorization'] },
  'auth/token-endpoint-auth-none': { fails: ['resource-parameter-in-authorization'] },
  'auth/pre-registration': {},
  'auth/client-credentials-basic': {},
  'auth/client-credentials-jwt': {},
};
const BEYOND_CORE = ['auth/client-credentials-basic', 'auth/client-credentials-jwt'];

const NOT_FOR_US: Record<string, string> = {
  'elicitation-sep1034-client-defaults': "a mounted server may put no questions to labmate's people, so elicitation is not declared",
};

type Check = { id: string; status: string; details?: { body?: { scope?: string } } };

describe.skipIf(peers.mcpConformance.skipped !== undefined)("MCP's conformance suite, against the mounting client", () => {
  const shim = pathToFileURL(join(import.meta.dirname, 'conformance-on-node-20.mjs')).href;
  const entry = peers.mcpConformance.skipped === undefined ? peers.mcpConformance.entry : '';
  const suite = (...args: string[]) => runNode(['--import', shim, entry, 'client', ...args]);
  const client = `${process.execPath} --import tsx ${join(import.meta.dirname, 'mounting-client.ts')}`;
  const folder = mkdtempSync(join(tmpdir(), 'labmate-suite-'));
  afterAll(() => rmSync(folder, { recursive: true }));

  test('every scenario of its core is here, run or left out with the reason', async () => {
    // A client that does nothing: only the names count.
    const { out } = await suite('--suite', 'core', '--command', `${process.execPath} -v`, '--timeout', '10000');
    const core = [...out.matchAll(/^[✓✗] ([\w./-]+):/gm)].map((found) => found[1] ?? '');
    const here = [...Object.keys(HELD).filter((name) => !BEYOND_CORE.includes(name)), ...Object.keys(NOT_FOR_US)];
    expect(core.sort(), out).toEqual(here.sort());
    for (const [name, why] of Object.entries(NOT_FOR_US)) process.stdout.write(`live: conformance, client, ${name}: left out, ${why}\n`);
  });

  test.each(Object.entries(HELD))('%s', async (scenario, { fails = [], scopes }) => {
    const { code, out } = await suite('--command', client, '--scenario', scenario, '--timeout', '40000', '-o', folder);
    const checks = checksOf(scenario);
    const failed = checks.filter((c) => c.status === 'FAILURE').map((c) => c.id);
    expect({ code, failed: failed.sort() }, out).toEqual({ code: fails.length > 0 ? 1 : 0, failed: [...fails].sort() });
    const asked = checks.flatMap(({ id, details }) => (id === 'incoming-auth-request' && details?.body ? [details.body.scope ?? 'none'] : []));
    if (scopes) expect([...new Set(asked)]).toEqual(scopes);
    const passed = checks.filter((c) => c.status === 'SUCCESS').length;
    const but = fails.length > 0 ? `; not ${fails.join(', ')}: ${NO_BROWSER}` : '';
    process.stdout.write(`live: conformance, client, ${scenario}: ${passed} passed${but}\n`);
  });

  function checksOf(scenario: string): Check[] {
    const all = readdirSync(folder, { recursive: true, encoding: 'utf8' });
    const file = all.find((name) => name.startsWith(`${scenario}-`) && name.endsWith('checks.json')) ?? '';
    return JSON.parse(readFileSync(join(folder, file), 'utf8')) as Check[];
  }
});
