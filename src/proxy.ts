import { Agent, type Dispatcher, EnvHttpProxyAgent, getGlobalDispatcher, setGlobalDispatcher } from 'undici';

/** Where requests go that may not leave by themselves, as HTTPS_PROXY, HTTP_PROXY and NO_PROXY have it; empty where one is not set. */
export type Proxies = { https: string; http: string; except: string };

/** A service on this machine is never asked through somebody else's. */
const HERE = ['localhost', '127.0.0.1', '[::1]'];

// The agent of Node's own fetch, where that was quicker, is of another version, and does not know how undici's requests are made.
setGlobalDispatcher(new Agent());

/**
 * From now on every request of this process goes through the proxies, or straight where there are none, but for Redis', traces' and the children's own. What is
 * encrypted goes through a tunnel; plain HTTP is forwarded, as most proxies open tunnels to port 443 only. What comes back puts the way of before back.
 */
export function useProxies(proxies: Proxies | null): () => void {
  const before = getGlobalDispatcher();
  // Node's own fetch looks there, too.
  setGlobalDispatcher(proxies ? through(proxies) : new Agent());
  return () => setGlobalDispatcher(before);
}

function through({ https, http, except }: Proxies): Dispatcher {
  const noProxy = except.trim() === '*' ? '*' : [...HERE, except].join(',');
  return new EnvHttpProxyAgent({ httpsProxy: https, httpProxy: http, noProxy, proxyTunnel: false });
}

/** The same way for those who do not ask through Node's fetch. */
export function wayInUse(): Dispatcher {
  return getGlobalDispatcher();
}
