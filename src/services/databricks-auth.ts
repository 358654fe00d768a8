import { z } from 'zod';
import { sendJson, UpstreamError } from './http.ts';

/** Gives the Authorization header, renewing what it is made of. `forget` is called after a 401. */
export type Authorization = { header(): Promise<string>; forget(): void };

export type DatabricksLogin = { host: string; token: string } | { host: string; clientId: string; clientSecret: string };

const discovery = z.object({ token_endpoint: z.string() });
const grant = z.object({ access_token: z.string().min(1), expires_in: z.coerce.number().default(3600) });

/** A personal access token, or machine-to-machine OAuth: one token for all who ask, asked for again a minute before it expires. */
export function databricksAuth(login: DatabricksLogin): Authorization {
  if ('token' in login) return { header: async () => `Bearer ${login.token}`, forget: () => {} };
  const secret = login;
  let current: Promise<{ header: string; until: number }> | null = null;
  return {
    forget() {
      current = null;
    },
    async header() {
      const known = current;
      const token = await known;
      if (token && Date.now() < token.until) return token.header;
      if (current === known) current = renew();
      return (await (current ?? renew())).header;
    },
  };

  function renew() {
    const mine = fetchToken(secret);
    // A failed login must not be remembered, or it would answer for ever.
    mine.catch(() => {
      if (current === mine) current = null;
    });
    return mine;
  }
}

async function fetchToken(login: { host: string; clientId: string; clientSecret: string }): Promise<{ header: string; until: number }> {
  const host = baseUrl(login.host);
  const what = "log in with the bot's client id";
  const { token_endpoint } = await sendJson({ upstream: 'Databricks', what, url: `${host}/oidc/.well-known/oauth-authorization-server` }, discovery);
  // The client secret goes to the configured host only, whatever the discovery says.
  if (new URL(token_endpoint, host).origin !== new URL(host).origin)
    throw new UpstreamError('Databricks named a login page on another host; labmate does not send its secret there. Check DATABRICKS_HOST.', {
      upstream: 'Databricks',
      status: 200,
      code: 'FOREIGN_TOKEN_ENDPOINT',
      transient: false,
    });
  const basic = Buffer.from(`${login.clientId}:${login.clientSecret}`).toString('base64');
  const form = { grant_type: 'client_credentials', scope: 'all-apis' };
  const token = await sendJson(
    { upstream: 'Databricks', what, url: new URL(token_endpoint, host).href, method: 'POST', form, headers: { authorization: `Basic ${basic}` } },
    grant,
  );
  const lifeMs = token.expires_in * 1000;
  return { header: `Bearer ${token.access_token}`, until: Date.now() + Math.max(lifeMs - 60_000, lifeMs / 2) };
}

/** The workspace's address without a trailing slash; https where none is said. */
export function baseUrl(host: string): string {
  return (/^https?:\/\//.test(host) ? host : `https://${host}`).replace(/\/+$/, '');
}
