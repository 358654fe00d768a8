import { type AddressInfo, connect, createServer, type Socket } from 'node:net';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { makePeople } from '../../src/runtime/people.ts';
import { type SlackStandIn, startSlackStandIn } from '../../src/sandbox/slack/slack-stand-in.ts';
import { StoreThenAckReceiver } from '../../src/slack/socket-receiver.ts';
import { appToken, botToken, signingSecret, silent, until } from './a-desk.ts';
import { refusing } from './refusing.ts';

let workspace: SlackStandIn;
let slack: Awaited<ReturnType<typeof refusing>>;
let receiver: StoreThenAckReceiver | undefined;
/** What Slack says to the next requests for a connection, one each. */
let words: (string | undefined)[];
beforeEach(async () => {
  words = [];
  workspace = await startSlackStandIn({ mode: 'socket', signingSecret, botToken, appToken });
  slack = await refusing(
    () => workspace.url,
    (method) => (method === 'apps.connections.open' ? words.shift() : undefined),
  );
});
afterEach(async () => {
  await receiver?.stop();
  slack.close();
  await workspace.close();
});

async function listening(connections: number, openWithin = 10_000, more = {}) {
  const logger = { ...silent, setLevel() {}, getLevel: () => 'error' as never, setName() {} };
  const times = { openWithin, again: 50, ...more };
  receiver = new StoreThenAckReceiver({ appToken, apiUrl: slack.apiUrl, logger, log: silent, connections, people: makePeople(), acked: () => {}, times });
  await receiver.start();
  return receiver;
}

test('Slack has trouble, then refuses the app token for a while: nobody ends, and every line is opened', async () => {
  words = ['internal_error', 'internal_error', 'invalid_auth', 'invalid_auth', 'invalid_auth'];
  await listening(2);
  await until(() => workspace.connections() === 2);
});

test('however long Slack has trouble, the next try comes soon', async () => {
  words = Array<string>(20).fill('internal_error');
  const began = performance.now();
  await listening(1, 10_000, { ping: 50, longest: 100 });
  // 50 ms and 19 times 100; each 50 longer than the one before would be ten seconds.
  expect(performance.now() - began).toBeLessThan(6_000);
}, 30_000);

test('a second line that is refused in the moment of the start is opened later', async () => {
  words = [undefined, 'invalid_auth', 'invalid_auth'];
  await listening(2);
  await until(() => workspace.connections() === 2);
});

test('where every line is refused at the start, that is an error, and none is opened after a stop', async () => {
  words = ['invalid_auth', 'invalid_auth'];
  await expect(listening(2)).rejects.toThrow();
  await receiver?.stop();
  expect(words).toEqual([]);
  await new Promise((resolve) => setTimeout(resolve, 200));
  expect(workspace.connections()).toBe(0);
});

test('a network that swallows a handshake leaves nobody deaf for minutes', async () => {
  const sockets: Socket[] = [];
  const port = Number(new URL(workspace.url).port);
  const network = createServer((client) => {
    sockets.push(client);
    client.on('error', () => {});
    if (sockets.length === 1) return void client.resume();
    const server = connect(port, '127.0.0.1');
    sockets.push(server);
    server.on('error', () => client.destroy());
    client.pipe(server).pipe(client);
  });
  await new Promise<void>((resolve) => network.listen(0, '127.0.0.1', resolve));
  workspace.socketsAt(`http://127.0.0.1:${(network.address() as AddressInfo).port}`);
  expect((await listening(1, 1_000)).connected()).toBe(true);
  await until(() => workspace.connections() === 1);
  for (const socket of sockets) socket.destroy();
  network.close();
});
