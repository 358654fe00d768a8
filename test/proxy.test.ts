import { Agent, EnvHttpProxyAgent } from 'undici';
import { afterEach, expect, test } from 'vitest';
import { useProxies, wayInUse } from '../src/proxy.ts';

const before = wayInUse();
afterEach(() => void useProxies(null));

test('a way that is taken can be put back, and without proxies nothing goes through the ones of before', () => {
  const back = useProxies({ https: 'http://proxy.test:3128', http: '', except: '' });
  expect(wayInUse()).toBeInstanceOf(EnvHttpProxyAgent);
  const through = wayInUse();

  const again = useProxies(null);
  expect(wayInUse()).toBeInstanceOf(Agent);
  again();
  expect(wayInUse()).toBe(through);
  back();
  expect(wayInUse()).toBe(before);
});
