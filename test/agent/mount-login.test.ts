import { expect, test } from 'vitest';
import { loginTo } from '../../src/agent/mount-login.ts';

const OAUTH = { issuer: 'https://login.test', clientId: 'labmate', clientSecret: 'a-secret' };
const refuses = async () => new Response(null, { status: 401, headers: { 'www-authenticate': 'Bearer scope="api://finance/.default"' } });

test.each([
  ['a trusted server says which scopes its token is asked for', true, undefined, 'api://finance/.default'],
  ['any other does not: it could get a token for somebody else', false, undefined, undefined],
  ['and none does where one is configured', true, 'api://features/.default', 'api://features/.default'],
])('%s', async (_what, trusted, scope, asked) => {
  const { authProvider, fetch } = loginTo({ oauth: { ...OAUTH, ...(scope ? { scope } : {}) }, trusted }, refuses);
  await fetch('https://features.test/mcp');
  expect(authProvider.clientMetadata.scope).toBe(asked);
});
