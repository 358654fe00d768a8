import { setTimeout as sleep } from 'node:timers/promises';
import { aProduct, percentile } from './a-product.ts';

/**
 * Ms from the moment a person sends /experiment until the thread's first message stands, sorted. Like a team that works: one each second, and
 * each channel sees one in four seconds, since its three messages have to fit into what Slack takes: one a second.
 */
export async function firstMessages(redisUrl: string, count: number): Promise<{ all: number[]; p50: number; p95: number }> {
  const channels = ['C0ML', 'C0TEAM1', 'C0TEAM2', 'C0TEAM3'];
  const product = await aProduct({ redisUrl, mode: 'socket', role: 'all', answer: () => ({ content: [{ type: 'text', text: 'Done.' }] }), channels });
  try {
    const { slack } = product;
    const all: number[] = [];
    for (let n = 0; n < count; n++) {
      const roots = () => slack.world.data.messages.filter((m) => m.bot && m.onlyFor === null && m.threadTs === null).length;
      const before = roots();
      const began = performance.now();
      const channel = channels[n % channels.length] ?? 'C0ML';
      await slack.act({ as: 'U1', do: 'command', command: '/experiment', text: `look at number ${n}`, channel });
      while (roots() === before && performance.now() - began < 30_000) await sleep(5);
      all.push(performance.now() - began);
      while ((await product.behind.sessions()).some((s) => !s.ended) && performance.now() - began < 30_000) await sleep(50);
      await sleep(Math.max(200, 1_000 - (performance.now() - began)));
    }
    all.sort((a, b) => a - b);
    return { all, p50: percentile(all, 50), p95: percentile(all, 95) };
  } finally {
    await product.close();
  }
}
