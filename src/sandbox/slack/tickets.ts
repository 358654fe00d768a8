import { randomBytes } from 'node:crypto';

/** Where an answer through a response_url goes. */
export type ResponseContext = { user: string; channel: string; ts: string | null; threadTs: string | null };

export type Tickets = {
  trigger(user: string): string;
  /** A trigger_id lives 3 s and works once. Gives the error Slack would give instead. */
  spendTrigger(id: string): { user: string } | { error: 'invalid_trigger_id' | 'expired_trigger_id' | 'exchanged_trigger_id' };
  response(context: ResponseContext): string;
  /** A response_url works five times within 30 minutes. */
  spendResponse(id: string): ResponseContext | { error: 'expired_url' | 'used_url' };
};

const triggerLivesMs = 3000;
const responseLivesMs = 30 * 60_000;
const responseUses = 5;

/** The two short-lived permissions that Slack hands out with an interaction. */
export function createTickets(now: () => number): Tickets {
  const triggers = new Map<string, { user: string; until: number; used: boolean }>();
  const responses = new Map<string, { context: ResponseContext; until: number; left: number }>();
  return {
    trigger(user) {
      const id = `${now()}.${randomBytes(8).toString('hex')}`;
      triggers.set(id, { user, until: now() + triggerLivesMs, used: false });
      return id;
    },
    spendTrigger(id) {
      const ticket = triggers.get(id);
      if (!ticket) return { error: 'invalid_trigger_id' };
      if (ticket.used) return { error: 'exchanged_trigger_id' };
      if (now() > ticket.until) return { error: 'expired_trigger_id' };
      ticket.used = true;
      return { user: ticket.user };
    },
    response(context) {
      const id = randomBytes(12).toString('hex');
      responses.set(id, { context, until: now() + responseLivesMs, left: responseUses });
      return id;
    },
    spendResponse(id) {
      const ticket = responses.get(id);
      if (!ticket || now() > ticket.until) return { error: 'expired_url' };
      if (ticket.left === 0) return { error: 'used_url' };
      ticket.left -= 1;
      return ticket.context;
    },
  };
}
