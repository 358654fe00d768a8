/** Members of an event larger than this many bytes of JSON stand in the record as a reference and are fetched beside it. */
export const PAYLOAD_LIMIT = 32 * 1024;

export type PayloadRef = { sha256: string; bytes: number; media_type: string };

/** Is this member of a stored line a reference to a payload kept beside it? Only the store writes objects of exactly this shape. */
export function isPayloadRef(value: unknown): value is PayloadRef {
  if (value === null || typeof value !== 'object' || Object.keys(value).join() !== 'sha256,bytes,media_type') return false;
  return /^[0-9a-f]{64}$/.test(String((value as PayloadRef).sha256));
}
