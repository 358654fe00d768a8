import { type AddressInfo, connect, createServer, type Socket } from 'node:net';

/** What stands before several gateways: each new connection goes to the next of them, and to another one where that is away. */
export async function openBalancer(): Promise<{ port: number; lead(ports: readonly number[]): void; close(): Promise<void> }> {
  let ports: readonly number[] = [];
  let turn = 0;
  const open = new Set<Socket>();
  const server = createServer((client) => {
    open.add(client);
    client.on('error', () => client.destroy());
    client.on('close', () => open.delete(client));
    turn += 1;
    reach(client, turn, ports.length);
  });
  function reach(client: Socket, at: number, left: number) {
    const port = ports[at % Math.max(1, ports.length)];
    if (left === 0 || port === undefined) return client.destroy();
    const gateway = connect(port, '127.0.0.1');
    gateway.once('connect', () => {
      client.pipe(gateway);
      gateway.pipe(client);
      client.once('close', () => gateway.destroy());
      gateway.once('close', () => client.destroy());
      gateway.removeAllListeners('error').on('error', () => client.destroy());
    });
    gateway.once('error', () => reach(client, at + 1, left - 1));
  }
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    port: (server.address() as AddressInfo).port,
    lead(to) {
      ports = to;
    },
    async close() {
      for (const socket of open) socket.destroy();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}
