import { createHash } from 'node:crypto';
import type { MountedServer, Offer } from './agent/mount.ts';
import type { Difference } from './agent/pins.ts';
import type { CoreConfig } from './config.ts';
import type { Core } from './open-core.ts';
import { approversOf } from './policy/rules.ts';
import { ACCEPT_TOOLS, LABMATE } from './session/door.ts';
import type { Session } from './session/state.ts';
import { acceptInput } from './tools/accept-mcp-tools.ts';
import { definitionHash, holdsSecret } from './tools/foreign-definition.ts';

/** What stands on one card must be readable there. */
const ON_ONE_CARD = 24_000;
/** Open at once: a server that offers hundreds of other tools must not fill a channel. The cards say what is asked about once they are decided. */
const MOST_CARDS = 8;
const UNASKED_MS = 24 * 3_600_000;

/**
 * Asks approvers about the differences between what a server offers and what is pinned: a session of its own, as a client at a door has one, whose calls are the
 * questions. Every worker that finds the same offer opens the same session. What was declined or stopped stays so, until the server offers something else. What ran
 * out is asked again, and so is what was accepted and is a difference once more, as the server went back in between.
 */
export async function review(
  server: MountedServer,
  all: readonly Difference[],
  offer: Offer,
  { permissions, channels }: CoreConfig,
  core: Core,
): Promise<void> {
  const { deliver, reading, services } = core;
  const team = (await services.slack?.self())?.team;
  const channel = approversOf(ACCEPT_TOOLS, permissions.approvers)?.channel ?? channels[0];
  if (team === undefined || channel === undefined) throw new Error('there is no Slack, or no channel, in which anybody could be asked');
  const isSecret = (d: Difference) => d.offered !== null && holdsSecret(d.offered, core.clean);
  const withheld = all.filter(isSecret).map((d) => d.tool);
  let open = all.filter((d) => d.offered !== null && !isSecret(d));
  const id = offerId(server.key, offer);
  let again = false;
  for (let round = 0; open.length > 0; round++) {
    const session = `r${id}${round === 0 ? '' : `-${round}`}`;
    const before = await reading.session(session);
    if (before?.ended) {
      if (before.ended.outcome === 'stopped') return;
      // Nobody could be asked: labmate.json may have been mended meanwhile.
      if (before.approvals.size === 0 && core.log.now() - Date.parse(before.ended.at) < UNASKED_MS) return;
      const declined = asked(before, (approval) => approval?.state === 'denied');
      open = open.filter((d) => !declined.has(known(d)));
      continue;
    }
    const prompt = `What the MCP server ${server.name} offers is not what was pinned.`;
    const place = { team, channel, thread: null, place: `review-${session}`, by: LABMATE, prompt, door: 'mcp' } as const;
    const opened = before ? null : await deliver(`open:${session}`, { do: 'open', session, ...place });
    if (opened?.is === 'limit') throw new Error(`there are ${opened.limit} questions of this kind already`);
    const already = before ? asked(before, () => true) : new Set<string>();
    const cards = cardsOf(open.filter((d) => !already.has(known(d))));
    const room = MOST_CARDS - (before ? [...before.calls.values()].filter((call) => call.status.is !== 'finished').length : 0);
    const later = cards.slice(Math.max(0, room)).flatMap((changes) => changes.map((c) => c.tool));
    let closed = false;
    for (const changes of cards.slice(0, Math.max(0, room))) {
      const call = `${session}-${hashOf(changes.map((c) => definitionHash(c.becomes))).slice(0, 12)}`;
      const more = { ...(later.length > 0 ? { later } : {}), ...(withheld.length > 0 ? { withheld } : {}) };
      const input = { server: server.name, key: server.key, changes, ...more };
      const delivered = await deliver(`ask:${call}`, { do: 'ask', session, call, client: LABMATE, tool: ACCEPT_TOOLS, input });
      closed ||= delivered.is === 'closed';
    }
    // It was over before all of it was asked: what is left is asked in the next one, once.
    if (!closed || again) return;
    again = true;
  }
}

/** The same as long as the server offers the same, whatever of it has been accepted. */
function offerId(key: string, { tools }: Offer): string {
  return hashOf([key, ...tools.map((d) => `${d.name}:${definitionHash(d)}`).sort()]).slice(0, 24);
}

function hashOf(words: readonly string[]): string {
  return createHash('sha256').update(JSON.stringify(words)).digest('hex');
}

function known({ tool, offered }: Difference): string {
  return `${tool}:${offered ? definitionHash(offered) : ''}`;
}

/** What the questions of a session were about, where they stand like this. */
function asked({ calls, approvals }: Session, where: (approval: { state: string } | undefined) => boolean): Set<string> {
  const all = [...approvals.values()];
  return new Set(
    [...calls.values()].flatMap((call) => {
      const input = where(all.findLast((a) => a.call === call.id)) ? acceptInput.safeParse(call.input).data : undefined;
      return (input?.changes ?? []).map((c) => `${c.tool}:${definitionHash(c.becomes)}`);
    }),
  );
}

function cardsOf(all: readonly Difference[]) {
  const cards: { tool: string; pinned_sha256: string | null; becomes: NonNullable<Difference['offered']> }[][] = [];
  let room = 0;
  for (const { tool, pinned, offered } of all) {
    if (!offered) continue;
    const change = { tool, pinned_sha256: pinned ? definitionHash(pinned) : null, becomes: offered };
    const size = JSON.stringify(change).length;
    if (size > room || cards.length === 0) {
      cards.push([]);
      room = ON_ONE_CARD;
    }
    cards.at(-1)?.push(change);
    room -= size;
  }
  return cards;
}
