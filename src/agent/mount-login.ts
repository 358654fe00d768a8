import { extractWWWAuthenticateParams, type OAuthClientProvider } from '@modelcontextprotocol/sdk/client/auth.js';
import { ClientCredentialsProvider, PrivateKeyJwtProvider } from '@modelcontextprotocol/sdk/client/auth-extensions.js';
import { z } from 'zod';
import type { MountedServer } from './mount.ts';

const metadataSchema = z.looseObject({ scopes_supported: z.array(z.string()).optional() });

/**
 * labmate's own login at a server over HTTP (OAuth client credentials), at the one authorization server that is configured. Where no scope is configured and the server
 * is trusted, it asks for what the server's refusal says is needed, else for what its metadata lists, as the protocol has it; the SDK does that only for logins in a
 * browser. Any other server does not choose: it is handed the token, and many issuers take from the scope whom a token is for.
 */
export function loginTo(
  { oauth, trusted }: { oauth: NonNullable<MountedServer['oauth']>; trusted: boolean },
  send: typeof fetch,
): { authProvider: OAuthClientProvider; fetch: typeof fetch } {
  const { issuer: expectedIssuer, clientId, scope } = oauth;
  const common = { clientId, clientName: 'labmate', expectedIssuer, ...(scope === undefined ? {} : { scope }) };
  const authProvider =
    'privateKey' in oauth
      ? new PrivateKeyJwtProvider({ ...common, privateKey: oauth.privateKey, algorithm: oauth.algorithm })
      : new ClientCredentialsProvider({ ...common, clientSecret: oauth.clientSecret });
  if (scope !== undefined || !trusted) return { authProvider, fetch: send };

  let metadataAt = '';
  let asked = false;
  const need = (scopes: string | undefined) => {
    if (scopes) authProvider.clientMetadata.scope = scopes;
  };
  return {
    authProvider,
    async fetch(input, init) {
      const answer = await send(input, init);
      if (answer.status === 401 || answer.status === 403) {
        const told = extractWWWAuthenticateParams(answer);
        metadataAt = told.resourceMetadataUrl?.href ?? metadataAt;
        asked ||= told.scope !== undefined;
        need(told.scope);
      } else if (answer.ok && !asked && isMetadata(String(input instanceof Request ? input.url : input), metadataAt)) {
        const read = metadataSchema.safeParse(
          await answer
            .clone()
            .json()
            .catch(() => null),
        );
        need(read.data?.scopes_supported?.join(' '));
      }
      return answer;
    },
  };
}

function isMetadata(url: string, named: string): boolean {
  return url === named || new URL(url).pathname.startsWith('/.well-known/oauth-protected-resource');
}
