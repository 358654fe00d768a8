import { join } from 'node:path';
import { Redis } from 'ioredis';
import { startRedis } from '../src/sandbox/redis.ts';
import { startChild } from './child.ts';

const redis = await startRedis({ purpose: 'x', cache: join(process.cwd(), '.cache', 'redis') });
const model = await startChild('model-process.js');
const SYSTEM = 's'.repeat(5000);
const env = { MODEL_URL: String(model.hello['url']), REDIS_URL: redis.url, SYSTEM };
const eye = new Redis(redis.url);
const cpu = async () => {
  const i = await eye.info('cpu');
  return 1000 * (Number(/used_cpu_sys:([\d.]+)/.exec(i)![1]) + Number(/used_cpu_user:([\d.]+)/.exec(i)![1]));
};
const which = (process.argv[2] ?? 'bare,naive,labmate').split(',');
const n = Number(process.argv[3] ?? 200);
for (const c of which) {
  const child = await startChild(`contenders/${c}.js`, {
    env,
    execArgv: process.argv[4] === 'prof' && c === 'labmate' ? ['--cpu-prof', '--cpu-prof-dir=/tmp/w/prof'] : [],
  });
  for (let r = 0; r < 3; r++) {
    const before = await cpu();
    const { wallMs, cpuMs } = await child.ask<{ wallMs: number; cpuMs: number }>('run', {
      name: `e-${c}${r}`,
      sessions: r ? n : 50,
      atOnce: 64,
      calls: 8,
      ask: 0,
      bytes: 1000,
    });
    const red = (await cpu()) - before;
    const N = r ? n : 50;
    process.stdout.write(
      `${c} ${r}: cpu ${(cpuMs / N).toFixed(2)} + redis ${(red / N).toFixed(2)} = ${((cpuMs + red) / N).toFixed(2)} ms, ${((N / wallMs) * 1000).toFixed(0)}/s\n`,
    );
  }
  await child.stop();
}
await model.stop();
eye.disconnect();
await redis.stop();
process.exit(0);
