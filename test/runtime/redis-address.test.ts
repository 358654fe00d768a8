import { describe, expect, it } from 'vitest';
import { passwordsIn, readRedisUrl } from '../../src/runtime/redis-address.ts';

describe('where Redis is', () => {
  it.each([
    ['redis://127.0.0.1:6379', { form: 'one', url: 'redis://127.0.0.1:6379' }],
    ['rediss://me:secret@cache.example:6380/2', { form: 'one', url: 'rediss://me:secret@cache.example:6380/2' }],
    [
      'redis+sentinel://s1,s2:5000,[::1]:26380/main',
      {
        form: 'sentinel',
        nodes: [
          { host: 's1', port: 26379 },
          { host: 's2', port: 5000 },
          { host: '::1', port: 26380 },
        ],
        master: 'main',
        db: 0,
        login: {},
        sentinelLogin: {},
        tls: false,
      },
    ],
    [
      'redis+sentinel://lab:p%40ss%2Fword@s1/main/3?tls=true&sentinelUsername=watch&sentinelPassword=other%26one',
      {
        form: 'sentinel',
        nodes: [{ host: 's1', port: 26379 }],
        master: 'main',
        db: 3,
        login: { username: 'lab', password: 'p@ss/word' },
        sentinelLogin: { username: 'watch', password: 'other&one' },
        tls: true,
      },
    ],
    [
      'redis+cluster://:secret@n1,n2:7001?tls=true',
      {
        form: 'cluster',
        nodes: [
          { host: 'n1', port: 6379 },
          { host: 'n2', port: 7001 },
        ],
        login: { password: 'secret' },
        tls: true,
      },
    ],
  ])('%s', (url, address) => expect(readRedisUrl(url)).toEqual(address));

  it.each([
    ['postgres://h', /must begin with redis:\/\//],
    ['redis://h:x', /is not a URL/],
    ['redis+sentinel://s1,s2', /name the sentinels know the master by/],
    ['redis+sentinel://s1/main/x', /name the sentinels know the master by/],
    ['redis+sentinel://s1,,s2/main', /must be given as h1,h2/],
    ['redis+cluster://n1:99999', /must be given as h1,h2/],
    ['redis+cluster://n1/2', /a cluster has one database/],
  ])('%s is told as a mistake', (url, words) => expect(readRedisUrl(url)).toEqual({ fault: expect.stringMatching(words) }));

  it('finds every password, also the sentinels', () => {
    expect(passwordsIn('rediss://me:hunter%20two@h')).toEqual(['hunter two']);
    expect(passwordsIn('redis+sentinel://:one@h/m?sentinelPassword=two')).toEqual(['one', 'two']);
    expect(passwordsIn('redis+cluster://u:three@h')).toEqual(['three']);
    expect(passwordsIn('redis://h?password=four')).toEqual(['four']);
    expect(passwordsIn('redis://h')).toEqual([]);
  });
});
