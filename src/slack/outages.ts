import { createHash } from 'node:crypto';
import type { KeptOutage, TellOutage } from '../runtime/outages.ts';
import type { About } from '../runtime/reading.ts';
import { UpstreamError } from '../services/http.ts';
import type { SlackService } from '../services/slack.ts';
import { type Answer, type Desk, mayChange, maySteer } from './desk.ts';
import { store, whyNot } from './store.ts';
import { outageMessage } from './views/outage.ts';
import { readIfPossible } from './which-session.ts';

/** Keeps the channel's message about an outage. A post whose reply was lost is found again by its mark. */
export function makeTellOutage(slack: SlackService): TellOutage {
  return async ({ upstream, channel, since, waiting }, kept, remember) => {
    const content = outageMessage({ id: outageId(upstream), upstream, since, waiting: waiting.map((w) => w.alias) });
    const hash = createHash('sha256').update(JSON.stringify(content)).digest('hex').slice(0, 32);
    const told: KeptOutage = { since: kept?.since ?? since, ts: kept?.ts ?? null, hash };
    const mark = { session: outageId(upstream), slot: `since ${told.since}` };
    const oldest = String(Math.floor(Date.parse(told.since) / 1000));
    try {
      const ts = told.ts ?? (kept ? ((await slack.find({ channel, mark, oldest }))[0] ?? null) : null);
      if (ts !== null && kept?.hash !== hash) await slack.update({ channel, ts, ...content, mark });
      if (ts !== null || waiting.length === 0) return { ...told, ts };
    } catch (error) {
      // It is over, and a channel that has been shut is not waited for to say so.
      if (waiting.length === 0 && error instanceof UpstreamError && !error.transient) return told;
      throw error;
    }
    await remember({ ...told, hash: '' });
    return { ...told, ts: (await slack.post({ channel, ...content, mark })).ts };
  };
}

/** As a button carries it. */
function outageId(upstream: string): string {
  return `outage/${upstream.toLowerCase().replace(/[^a-z0-9_.-]/g, '-')}`;
}

/** One click tries again everything in this channel that waits for one backend, as far as it is the clicker's to say. */
export async function retryAll(desk: Desk, { key, by, value, channel }: { key: string; by: string; value: string; channel: string }): Promise<Answer> {
  const waiting = (await desk.reading.list(desk.self.team)).filter((a) => a.channel === channel && a.waits && outageId(a.waits.upstream) === value);
  const may = await mayChange(desk, by);
  if (!may.ok) return { text: may.why };
  const said = await Promise.all(waiting.map((about) => again(desk, about, key, by)));
  const tried = said.filter((s) => s === 'stored').length;
  const unsure = said.filter((s) => s === 'unsure').length;
  const not = said.filter((s) => s === 'not').length;
  const parts = [
    ...(tried > 0 ? [`Trying ${tried === 1 ? 'one experiment' : `${tried} experiments`} again.`] : []),
    ...(unsure > 0 ? [`Of ${unsure} I could not confirm that it was stored; please click again.`] : []),
    ...(not > 0 ? [`${not === 1 ? 'One is' : `${not} are`} not yours to try again: only the person who asked for it or an approver can.`] : []),
  ];
  return { text: parts.join(' ') || 'Nothing here is waiting for it any more.' };
}

async function again(desk: Desk, { session: id }: About, key: string, by: string): Promise<'stored' | 'unsure' | 'not' | 'over'> {
  const session = await readIfPossible(desk, id);
  if (!session || session.ended) return 'over';
  const may = await maySteer(desk, session, by, 'try it');
  if (!may.ok) return 'not';
  const stored = await store(desk, `${key}:${id}`, { do: 'tell', session: id, by, text: 'Try again.', ts: null, kind: 'retry', standing: may.standing });
  if (stored.is === 'closed') return 'over';
  return whyNot(stored) === null ? 'stored' : 'unsure';
}
