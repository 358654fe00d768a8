import { extractWWWAuthenticateParams } from '@modelcontextprotocol/sdk/client/auth.js';
import type { MountedServer } from '../../src/agent/mount.ts';
import { type Mounts, openMounts } from '../../src/agent/mounts.ts';
import { changed, type PinStore, type Pins } from '../../src/agent/pins.ts';
import type { ToolAnswer } from '../../src/tools/define-tool.ts';

/** A worker's mounted servers without a worker: the pins are kept in memory. */
export function mountsOf(servers: (Partial<MountedServer> & Pick<MountedServer, 'address'>)[]) {
  let pinned: ReadonlyMap<string, Pins> = new Map();
  const set = (key: string, of: Pins) => {
    pinned = new Map([...pinned, [key, of]]);
  };
  const pins: PinStore = {
    read: async () => pinned,
    first: async (key, of) => set(key, of),
    replace: async (key, changes) => set(key, { at: '', tools: changed(pinned.get(key)?.tools ?? [], changes) }),
  };
  const drifts: string[][] = [];
  const warned: string[] = [];
  const is = { later: 0 };
  const mounts = openMounts({
    servers: servers.map((s, i) => ({ name: `s${i}`, key: `s${i}`, trusted: true, timeoutMs: 20_000, ...s })),
    pins,
    denied: () => false,
    connects: true,
    now: () => Date.now() + is.later,
    warn: (facts, message) => void warned.push(`${message} ${JSON.stringify(facts)}`),
    said: () => {},
    drifted: async (_, all) => void drifts.push(all.map((d) => d.tool)),
    secret: () => false,
  });
  return { mounts, pins, drifts, warned, is };
}

/** Plans and runs a mounted tool as the gate does once people have agreed. */
export async function callMounted(mounts: Mounts, name: string, args: Record<string, unknown>): Promise<Extract<ToolAnswer, { kind: 'done' }>> {
  const tool = await mounts.find(name);
  if (!tool) throw new Error(`there is no ${name}`);
  const context = { services: {}, settings: {} as never, session: null, signal: AbortSignal.timeout(30_000), now: Date.now };
  const plan = await tool.plan(args as never, context);
  if (plan.kind !== 'plan') throw new Error('why' in plan ? plan.why : plan.text);
  const answer = await tool.run(plan, context, '');
  if (answer.kind !== 'done') throw new Error('a mounted tool does not wait');
  return answer;
}

/** For the conformance suite: `mounting-client.ts URL` does with the server there what MCP_CONFORMANCE_SCENARIO asks for. */
if (process.argv[1] === import.meta.filename) {
  const url = process.argv.at(-1) ?? '';
  const scenario = process.env['MCP_CONFORMANCE_SCENARIO'] ?? '';
  const given = JSON.parse(process.env['MCP_CONFORMANCE_CONTEXT'] || '{}') as Record<string, string>;
  const login = async (): Promise<MountedServer['oauth']> => {
    // An operator knows the issuer and has credentials; here the server is asked for the one, and the others are made up where the suite gives none.
    const refused = await fetch(url, { method: 'POST', headers: { 'content-type': 'application/json' }, body: '{}' });
    const named = extractWWWAuthenticateParams(refused).resourceMetadataUrl;
    const places = [...(named ? [named] : []), ...['/mcp', ''].map((path) => new URL(`/.well-known/oauth-protected-resource${path}`, url))];
    let issuer = '';
    for (const place of places) {
      const metadata = issuer === '' ? await fetch(place) : null;
      if (metadata?.ok) issuer = ((await metadata.json()) as { authorization_servers: string[] }).authorization_servers[0] ?? '';
    }
    const {
      client_id: clientId = 'labmate',
      client_secret: clientSecret = 'a-secret',
      private_key_pem: privateKey,
      signing_algorithm: algorithm = 'ES256',
    } = given;
    return privateKey ? { issuer, clientId, privateKey, algorithm } : { issuer, clientId, clientSecret };
  };
  const oauth = scenario.startsWith('auth/') ? await login() : undefined;
  // Only a trusted server may say which scopes its token is asked for.
  const { mounts, warned } = mountsOf([{ trusted: true, address: { is: 'http', url, headers: {} }, ...(oauth ? { oauth } : {}) }]);
  const names = (await mounts.specs()).map((spec) => spec.name);
  if (warned.length > 0) throw new Error(warned.join());
  const args: Record<string, Record<string, unknown>> = { mcp__s0__add_numbers: { a: 5, b: 3 } };
  for (const name of names) await callMounted(mounts, name, args[name] ?? {});
  await mounts.close();
}
