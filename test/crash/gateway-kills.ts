import { APPEND, inTime, type Kill, type Needs } from './kill.ts';
import type { Word } from './link.ts';

const NOTE: Needs = { people: 'note' };
const NO: Needs = { people: 'deny' };
const PICTURE: Needs = { kinds: ['picture'] };

const gatewayAt = (name: string, words: Word[], { weight = 2, needs }: { weight?: number; needs?: Needs } = {}): Kill[] =>
  (['before', 'after'] as const).map((when) => ({
    name: `gateway, ${when} ${name}`,
    weight,
    breaks: 'gateway',
    needs,
    async strike({ gateway, gatewayLink }, _, struck) {
      const caught = gatewayLink.hold(words, when);
      const there = await inTime(caught.reached);
      await struck();
      await gateway.signal('SIGKILL');
      caught.drop();
      await gateway.ready();
      return there ? undefined : 'anywhere';
    },
  }));

/** Slack has been told that it arrived; what follows from it is still to be done. */
const gatewayAfterAck = (name: string, of: RegExp, needs?: Needs): Kill => ({
  name: `gateway, after the ack of ${name}`,
  weight: 1,
  breaks: 'gateway',
  needs,
  async strike({ gateway, acknowledged }, _, struck) {
    const there = await inTime(acknowledged(of));
    await struck();
    await gateway.signal('SIGKILL');
    await gateway.ready();
    return there ? undefined : 'anywhere';
  },
});

const gatewayPosting = (when: 'before' | 'after', path: string, needs?: Needs): Kill => ({
  name: `gateway, ${when} ${path}`,
  weight: 2,
  breaks: 'gateway',
  needs,
  async strike({ gateway, standIns }, _, struck) {
    const held = standIns.hold('slack', { path, when });
    const there = await inTime(held.reached);
    await struck();
    await gateway.signal('SIGKILL');
    held.drop();
    await gateway.ready();
    return there ? undefined : 'anywhere';
  },
});

/** The instants around what Slack delivers, once each: before it is stored, stored and not acknowledged, acknowledged; command, event, click and modal. */
export const isOfADelivery = ({ name }: Kill) => /^gateway, (before|after) (the ack of )?(a command|an event|a click|a modal)/.test(name);

/** Every kind of delivery, before it is stored, before it is acknowledged, and after; and every kind of message of ours. */
export const GATEWAY_KILLS: readonly Kill[] = [
  ...gatewayAt('a command is stored', [APPEND, '"type":"opened"'], { weight: 3 }),
  ...gatewayAt('an event is stored', [APPEND, '"type":"told"', 'A thought'], { needs: NOTE }),
  ...gatewayAt('a click is stored', [APPEND, '"type":"approved"'], { weight: 3 }),
  ...gatewayAt('a modal is stored', [APPEND, '"type":"denied"'], { needs: NO }),
  gatewayAfterAck('a command', /slash_commands|"?command"?[=:]/),
  gatewayAfterAck('an event', /A thought/, NOTE),
  gatewayAfterAck('a click', /approve_call/),
  gatewayAfterAck('a modal', /view_submission/, NO),
  gatewayPosting('before', 'chat.postMessage'),
  gatewayPosting('after', 'chat.postMessage'),
  gatewayPosting('after', 'chat.update'),
  gatewayPosting('after', '/upload/', PICTURE),
  gatewayPosting('before', 'files.completeUploadExternal', PICTURE),
  gatewayPosting('after', 'files.completeUploadExternal', PICTURE),
];
