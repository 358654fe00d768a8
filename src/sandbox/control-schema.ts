import { z } from 'zod';
import type { Act, Chaos, Fault } from './control-types.ts';

/** The control API's input, checked at the door. The types are the contract; a difference to them does not compile. */

const as = z.string().min(1);
const opt = z.string().optional();

export const actSchema: z.ZodType<Act> = z.discriminatedUnion('do', [
  z.strictObject({ as, do: z.literal('command'), command: z.string().startsWith('/'), text: z.string(), channel: z.string() }),
  z.strictObject({ as, do: z.literal('say'), text: z.string(), channel: z.string(), thread: opt }),
  z.strictObject({ as, do: z.literal('click'), channel: z.string(), ts: z.string(), actionId: z.string().min(1), value: opt, view: opt }),
  z.strictObject({ as, do: z.literal('submit'), modal: z.string(), values: z.record(z.string(), z.record(z.string(), z.unknown())) }),
  z.strictObject({ as, do: z.literal('close'), modal: z.string() }),
  z.strictObject({ as, do: z.literal('shortcut'), callbackId: z.string().min(1), channel: opt, ts: opt }),
  z.strictObject({ as, do: z.literal('home'), tab: z.enum(['home', 'messages']).optional() }),
  z.strictObject({ as, do: z.literal('edit'), channel: z.string(), ts: z.string(), text: z.string() }),
  z.strictObject({ as, do: z.literal('delete'), channel: z.string(), ts: z.string() }),
  z.strictObject({ as, do: z.literal('stop'), channel: z.string(), thread: z.string() }),
]);

const times = z.int().min(1).optional();
const ms = z.int().min(0).max(600_000).optional();
const status = z.int().min(400).max(599);

export const faultSchema: z.ZodType<Fault | null> = z.union([
  z.null(),
  z.strictObject({
    target: z.literal('slack'),
    kind: z.enum(['rate-limit', 'error-500', 'lost-reply', 'slow', 'unknown-method', 'drop-socket', 'refresh', 'redeliver']),
    method: opt,
    channel: opt,
    times,
    copies: times,
    ms,
  }),
  z.strictObject({ target: z.literal('claude'), kind: z.literal('status'), status, retryAfterS: z.number().optional(), times }),
  z.strictObject({ target: z.literal('claude'), kind: z.enum(['hang', 'cut', 'malformed', 'refusal', 'max-tokens', 'error-event']), times }),
  z.strictObject({ target: z.literal('claude'), kind: z.literal('slow'), ms, times }),
  z.strictObject({
    target: z.enum(['databricks', 'mlflow', 'grafana', 'github']),
    kind: z.enum(['status', 'html', 'lost-reply', 'slow', 'empty']),
    status: status.optional(),
    path: opt,
    times,
    ms,
  }),
]);

export const chaosSchema: z.ZodType<Chaos> = z.discriminatedUnion('do', [
  z.strictObject({ do: z.literal('kill'), role: z.enum(['gateway', 'worker']) }),
  z.strictObject({ do: z.literal('skip'), hours: z.number().positive().max(1000) }),
  z.strictObject({ do: z.literal('expire'), approval: z.string().min(1) }),
]);

export const storyWishSchema = z.strictObject({ channel: z.string().min(1), thread: z.string().min(1), name: z.string().max(60).optional() });
