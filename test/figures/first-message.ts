import { setTimeout as sleep } from 'node:timers/promises';
import { aProduct, percentile } from './a-product.ts';

/** Ms from the moment a person sends /experiment until the thread's first message stands, one experiment after the other. Sorted. */
export async function firstMessages(redisUrl: string, count: number): Promise<{ all: number[]; p50: number; p95: number }> {
  const product = await aProduct({ redisUrl, mode: 'socket', role: 'all', answer: () => ({ content: [{ type: 'text', text: 'Done.' }] }) });
  try {
    const { slack } = product;
    const all: number[] = [];
    for (let n = 0; n < count; n++) {
      const roots = () => slack.world.data.messages.filter((m) => m.bot && m.onlyFor === null && m.threadTs === null).length;
      const before = roots();
      const began = performance.now();
      await slack.act({ as: 'U1', do: 'command', command: '/experiment', text: `look at number ${n}`, channel: 'C0ML' });
      while (roots() === before && performance.now() - began < 30_000) await sleep(5);
      all.push(performance.now() - began);
      // The next one asks when this one is over: Slack allows one message a second and channel.
      while ((await product.behind.sessions()).some((s) => !s.ended) && performance.now() - began < 30_000) await sleep(50);
      await sleep(1_100);
    }
    all.sort((a, b) => a - b);
    return { all, p50: percentile(all, 50), p95: percentile(all, 95) };
  } finally {
    await product.close();
  }
}
