import { setTimeout as sleep } from 'node:timers/promises';
import { aProduct, percentile } from './a-product.ts';

export type Acks = { mode: string; deliveries: number; refused: number; p50: number; p99: number; max: number; late: number };

/** Commands, mentions, replies and shortcuts at `rate` a second for so many seconds, with every answer of Redis 200 ms late. Times what Slack sees. */
export async function acks(redisUrl: string, mode: 'socket' | 'http', { rate, seconds }: { rate: number; seconds: number }): Promise<Acks> {
  // Only the gateway: what a worker does meanwhile happens in another process, on another machine in production.
  const product = await aProduct({ redisUrl, mode, role: 'gateway', answer: () => ({ content: [{ type: 'text', text: 'Done.' }] }) });
  try {
    const { slack } = product;
    const channel = 'C0ML';
    const post = await slack.act({ as: 'U1', do: 'say', text: 'an idea about dropout', channel });
    await sleep(300);
    product.link.slow(100);
    const from = product.deliveries().length;
    const kinds = [
      (n: number) => slack.act({ as: 'U1', do: 'command', command: '/experiment', text: `train number ${n}`, channel }),
      (n: number) => slack.act({ as: 'U1', do: 'say', text: `@labmate look at number ${n}`, channel }),
      () => slack.act({ as: 'U1', do: 'shortcut', callbackId: 'run_as_experiment', channel, ts: post.ts }),
      (n: number) => slack.act({ as: 'U1', do: 'command', command: '/experiment', text: n % 2 ? 'help' : 'status', channel }),
    ];
    const began = Date.now();
    const doing: Promise<{ ok: boolean }>[] = [];
    for (let n = 0; n < rate * seconds; n++) {
      await sleep(Math.max(0, began + (n * 1000) / rate - Date.now()));
      const act = kinds[n % kinds.length];
      if (act) doing.push(act(n));
    }
    const acted = await Promise.all(doing);
    await sleep(3_500);
    const timed = product.deliveries().slice(from);
    const ms = timed.map((d) => d.ms ?? 0).sort((a, b) => a - b);
    return {
      mode,
      deliveries: timed.length,
      refused: acted.filter((a) => !a.ok).length + timed.filter((d) => d.status !== 200).length,
      p50: percentile(ms, 50),
      p99: percentile(ms, 99),
      max: ms.at(-1) ?? 0,
      late: ms.filter((each) => each >= 3_000).length,
    };
  } finally {
    await product.close();
  }
}
