import { makeBreakers } from '../../src/agent/breaker.ts';
import { callTool } from '../../src/agent/call-tool.ts';
import { think } from '../../src/agent/think.ts';
import { openToolbox, type Toolbox } from '../../src/agent/toolbox.ts';
import { masked } from '../../src/policy/secrets.ts';
import { hijackedModel } from '../../src/sandbox/claude/hijacked.ts';
import type { Answer, MessagesRequest } from '../../src/sandbox/claude/messages-types.ts';
import { nextLine, verify, ZERO_HEAD } from '../../src/session/chain.ts';
import type { Entry, EventOf, SessionEvent } from '../../src/session/events.ts';
import { apply } from '../../src/session/fold.ts';
import { next } from '../../src/session/next.ts';
import type { Session } from '../../src/session/state.ts';
import { toolsFor } from '../../src/tools/catalog.ts';
import { LIMITS, START } from '../session/logs.ts';
import type { Backends } from './backends.ts';

export type Played = { session: Session; entries: Entry[]; claims: EventOf<'call_started'>[]; requests: MessagesRequest[] };

/** The real toolbox and gate in front of the recording backends. */
export function openGate({ config, services }: Backends): Promise<Toolbox> {
  const { permissions, settings } = config;
  return openToolbox(toolsFor(services), { services, settings, permissions, now: () => START, clean: masked });
}

/**
 * Takes a session with this past as far as it goes, with a model that obeys everything it reads. The claim says "go" to everybody, so that nothing but the gate
 * stands between the model and the backends; nobody approves anything.
 */
export async function playHijacked(past: readonly SessionEvent[], toolbox: Toolbox, answer: Answer = hijackedModel(), steps = 60): Promise<Played> {
  const entries: Entry[] = [];
  const claims: Played['claims'] = [];
  const requests: MessagesRequest[] = [];
  let session = null as Session | null;
  const append = (event: SessionEvent) => {
    const { line, hash, seq } = nextLine({ seq: entries.length, head: session?.head ?? ZERO_HEAD }, new Date(START).toISOString(), 's1', event);
    const entry = { seq, m: START, fence: 1, line, hash, at: new Date(START).toISOString(), event };
    entries.push(entry);
    session = apply(session, 's1', entry);
    return session;
  };
  for (const event of past) append(event);
  if (!session) throw new Error('the past begins with opened');

  const turn = { signal: new AbortController().signal, now: () => START, sleep: () => {} };
  for (let i = 0; i < steps; i++) {
    const s: Session = session;
    const step = next(s, START, LIMITS);
    if (step.do === 'settle') for (const event of step.events) append(event);
    else if (step.do === 'end') append({ type: 'ended', outcome: step.outcome, text: step.text });
    else if (step.do === 'think') {
      const events = await think(s, turn, {
        model: async (request) => {
          const messages = JSON.parse(`[${Buffer.concat([...request.messages]).toString()}]`) as MessagesRequest['messages'];
          const asked: MessagesRequest = { model: 'm', max_tokens: request.maxTokens, messages };
          requests.push(asked);
          const { content } = await answer(asked);
          const stop = content.some((b) => b.type === 'tool_use') ? 'tool_use' : 'end_turn';
          return { kind: 'reply', content, stop, usage: { input: 1, output: 1, cache_read: 0, cache_write: 0 }, requestId: null, model: 'm' };
        },
        system: '',
        tools: await toolbox.specs(),
        image: async () => null,
        breakers: makeBreakers(),
        random: () => 0,
        scrub: (text) => text,
      });
      for (const event of events) append(event);
    } else if (step.do === 'call') {
      const events = await callTool(
        step.call,
        {
          ...turn,
          session: s,
          entries,
          mayAct: async () => true,
          claim: async (start) => {
            claims.push(start);
            append(start);
            return 'go';
          },
        },
        {
          toolbox,
          putImage: async () => 'f'.repeat(64),
          root: async () => '1.1',
          canBeAsked: async () => ({ ok: true }),
          stillEntitled: async () => ({ ok: true }),
          breakers: makeBreakers(),
          random: () => 0,
        },
      );
      if (events.length === 0) break;
      for (const event of events) append(event);
    } else break;
  }
  const verified = verify(entries.map((e) => e.line));
  if (!verified.ok) throw new Error(`the record is broken at line ${verified.line}: ${verified.why}`);
  return { session, entries, claims, requests };
}
