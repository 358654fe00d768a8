import { generateKeyPairSync, sign } from 'node:crypto';

/** A key and a certificate for these names that signs itself, made anew: DER by hand, as Node makes no certificates. */
export function aCertificate(names: readonly string[]): { key: string; cert: string } {
  const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  const algorithm = der(0x30, der(0x06, Buffer.from('2a8648ce3d040302', 'hex')));
  const name = der(0x30, der(0x31, der(0x30, der(0x06, Buffer.from('550403', 'hex')), der(0x0c, Buffer.from('a test of labmate')))));
  const time = (ms: number) => der(0x17, Buffer.from(`${new Date(Date.now() + ms).toISOString().replace(/[-:T]/g, '').slice(2, 14)}Z`));
  const alternatives = der(0x30, ...names.map((n) => der(0x82, Buffer.from(n))));
  const extension = der(0x30, der(0x06, Buffer.from('551d11', 'hex')), der(0x04, alternatives));
  const body = der(
    0x30,
    ...[der(0xa0, der(0x02, Buffer.from([2]))), der(0x02, Buffer.from([1])), algorithm, name, der(0x30, time(-3_600_000), time(86_400_000)), name],
    ...[publicKey.export({ type: 'spki', format: 'der' }), der(0xa3, der(0x30, extension))],
  );
  const signed = der(0x30, body, algorithm, der(0x03, Buffer.from([0]), sign('sha256', body, privateKey)));
  const lines = signed.toString('base64').match(/.{1,64}/g) ?? [];
  return {
    key: privateKey.export({ type: 'pkcs8', format: 'pem' }).toString(),
    cert: `-----BEGIN CERTIFICATE-----\n${lines.join('\n')}\n-----END CERTIFICATE-----\n`,
  };
}

function der(tag: number, ...parts: Uint8Array[]): Buffer {
  const content = Buffer.concat(parts);
  const { length } = content;
  const head = length < 128 ? [tag, length] : length < 256 ? [tag, 0x81, length] : [tag, 0x82, length >> 8, length & 255];
  return Buffer.concat([Buffer.from(head), content]);
}
