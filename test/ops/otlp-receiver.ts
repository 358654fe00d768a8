import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';

/** A span as it came over the wire. Times in ms. */
export type ReceivedSpan = {
  traceId: string;
  spanId: string;
  parentSpanId: string;
  name: string;
  kind: number;
  start: number;
  end: number;
  attributes: Record<string, unknown>;
  links: { traceId: string; spanId: string }[];
  /** 2: error. */
  status: number;
  resource: Record<string, unknown>;
};

/** Takes traces as a collector does: OTLP over HTTP with protobuf, on loopback. `bytes` is everything that was ever sent, for looking at what must not be in it. */
export async function receiveOtlp() {
  const spans: ReceivedSpan[] = [];
  const bodies: Buffer[] = [];
  const server = createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('end', () => {
      const body = Buffer.concat(chunks);
      bodies.push(body);
      if (request.url === '/v1/traces' && request.headers['content-type'] === 'application/x-protobuf') spans.push(...spansIn(body));
      response.writeHead(200, { 'content-type': 'application/x-protobuf' }).end();
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  return {
    url: `http://127.0.0.1:${port}`,
    spans,
    bytes: () => Buffer.concat(bodies).toString('latin1'),
    async close() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

type Field = { number: number; bytes: Buffer; value: bigint };

/** Field numbers are those of opentelemetry-proto's trace.proto. */
function spansIn(body: Buffer): ReceivedSpan[] {
  return fields(body).flatMap((resourceSpans) => {
    const parts = fields(resourceSpans.bytes);
    const resource = attributesOf(parts.filter((f) => f.number === 1).flatMap((f) => fields(f.bytes).filter((a) => a.number === 1)));
    return parts
      .filter((f) => f.number === 2)
      .flatMap((scope) => fields(scope.bytes).filter((f) => f.number === 2))
      .map((span) => spanOf(fields(span.bytes), resource));
  });
}

function spanOf(parts: Field[], resource: Record<string, unknown>): ReceivedSpan {
  const bytes = (number: number) => parts.find((f) => f.number === number)?.bytes ?? Buffer.alloc(0);
  const value = (number: number) => parts.find((f) => f.number === number)?.value ?? 0n;
  return {
    traceId: bytes(1).toString('hex'),
    spanId: bytes(2).toString('hex'),
    parentSpanId: bytes(4).toString('hex'),
    name: bytes(5).toString(),
    kind: Number(value(6)),
    start: Number(value(7)) / 1e6,
    end: Number(value(8)) / 1e6,
    attributes: attributesOf(parts.filter((f) => f.number === 9)),
    links: parts
      .filter((f) => f.number === 13)
      .map((f) => ({ traceId: fields(f.bytes)[0]!.bytes.toString('hex'), spanId: fields(f.bytes)[1]!.bytes.toString('hex') })),
    status: Number(fields(bytes(15)).find((f) => f.number === 3)?.value ?? 0n),
    resource,
  };
}

function attributesOf(pairs: Field[]): Record<string, unknown> {
  return Object.fromEntries(
    pairs.map((pair) => {
      const [key, value] = fields(pair.bytes);
      return [key!.bytes.toString(), anyValue(value!.bytes)];
    }),
  );
}

function anyValue(bytes: Buffer): unknown {
  const [one] = fields(bytes);
  switch (one?.number) {
    case 1:
      return one.bytes.toString();
    case 2:
      return one.value === 1n;
    case 3:
      return Number(one.value);
    case 4: {
      const double = Buffer.alloc(8);
      double.writeBigUInt64LE(one.value);
      return double.readDoubleLE();
    }
    case 5:
      return fields(one.bytes).map((f) => anyValue(f.bytes));
    default:
      return null;
  }
}

/** The wire format of protobuf: tag, then a varint, eight bytes, or bytes with their length before them. */
function fields(bytes: Buffer): Field[] {
  const found: Field[] = [];
  let at = 0;
  const varint = () => {
    let value = 0n;
    for (let shift = 0n; ; shift += 7n) {
      const byte = bytes[at++] ?? 0;
      value |= BigInt(byte & 0x7f) << shift;
      if (byte < 0x80) return value;
    }
  };
  while (at < bytes.length) {
    const tag = Number(varint());
    const number = tag >> 3;
    const take = (length: number) => {
      at += length;
      return bytes.subarray(at - length, at);
    };
    if ((tag & 7) === 0) found.push({ number, value: varint(), bytes: Buffer.alloc(0) });
    else if ((tag & 7) === 1) found.push({ number, value: take(8).readBigUInt64LE(), bytes: Buffer.alloc(0) });
    else found.push({ number, value: 0n, bytes: take(Number(varint())) });
  }
  return found;
}
