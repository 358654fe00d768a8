import type { Backends } from './backends.ts';
import type { Act, SandboxMessage, SandboxModal, Snapshot } from './control-types.ts';
import { printThread, wordsOf } from './print-thread.ts';
import type { Acted } from './slack/act.ts';
import { interactiveElements, isJson } from './slack/messages.ts';

/** What a stage is built on: the control functions, in this process or over HTTP. */
export type StageParts = {
  act(what: Act): Promise<Acted>;
  snapshot(): Snapshot | Promise<Snapshot>;
  backends: Backends;
  /** How long one thing may take that a person would wait for. */
  patienceMs: number;
};

/** Somebody in the workspace, who can do what the page lets people do. */
export type Person = {
  id: string;
  command(command: string, text: string): Promise<Acted>;
  say(text: string, thread?: string): Promise<string>;
  /** Clicks a button of a message of the thread. */
  click(actionId: string, message: SandboxMessage): Promise<void>;
  /** Fills the open modal's first text input and submits. */
  submit(text: string): Promise<void>;
  /** What only this person was told. */
  told(): Promise<SandboxMessage[]>;
};

export type Stage = {
  priya: Person;
  sam: Person;
  oscar: Person;
  backends: Backends;
  channel: string;
  /** Priya types /experiment with this prompt; resolves when its thread has begun. */
  open(prompt: string): Promise<void>;
  /** Lets anybody do anything; fails where it could not be done. */
  act(what: Act): Promise<Acted>;
  /** The same for what begins the thread; resolves when its first message stands. */
  begin(what: Act): Promise<void>;
  /** The forms that are open for somebody. */
  forms(user: string): Promise<SandboxModal[]>;
  root(): string;
  thread(): Promise<SandboxMessage[]>;
  /** What everybody sees, in all channels. */
  everywhere(): Promise<SandboxMessage[]>;
  /** What the bot posted into the channel beside the threads' first messages. */
  posts(): Promise<SandboxMessage[]>;
  /** Looks until `look` finds something; fails with a sentence that names `what`. */
  until<T>(what: string, look: () => Promise<T | null | undefined | false>, patienceMs?: number): Promise<T>;
  untilThread<T>(what: string, look: (thread: SandboxMessage[]) => T | null | undefined | false): Promise<T>;
  /** A card that still waits for a decision and whose words match. */
  card(words: RegExp): Promise<SandboxMessage>;
  /** The n-th final message of the thread, with the head of the record in it. */
  ended(nth?: number): Promise<{ words: string; head: string }>;
  print(): Promise<string>;
};

const approvers = ['U2', 'U3'];

/** Sets the stage for one scenario. */
export function setStage({ act, snapshot, backends, patienceMs }: StageParts): Stage {
  let channel = 'C0ML';
  let rootTs = '';
  // A decided card keeps its buttons until the next edit shows; nobody would click it again.
  const decided = new Set<string>();

  const until: Stage['until'] = async (what, look, patience = patienceMs) => {
    const end = Date.now() + patience;
    for (;;) {
      const found = await look();
      if (found) return found;
      if (Date.now() > end) throw new Error(`Waited ${Math.round(patience / 1000)} s for ${what}, and it did not come.`);
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
  };
  const did = async (what: Act): Promise<Acted> => {
    const acted = await act(what);
    if (!acted.ok) throw new Error(`${what.as} could not ${what.do}: ${acted.error ?? 'no reason given'}.`);
    return acted;
  };
  const person = (id: string): Person => ({
    id,
    command: (command, text) => did({ as: id, do: 'command', command, text, channel }),
    say: async (text, thread) => (await did({ as: id, do: 'say', text, channel, thread })).ts ?? '',
    async click(actionId, message) {
      await did({ as: id, do: 'click', channel: message.channel, ts: message.ts, actionId });
      if (approvers.includes(id)) decided.add(message.ts);
    },
    async submit(text) {
      const { modal, input } = await until(`a form for ${id}`, async () => openForm((await snapshot()).modals, id));
      await did({ as: id, do: 'submit', modal: modal.id, values: { [String(input.block['block_id'])]: { [String(input.element['action_id'])]: text } } });
    },
    told: async () => (await snapshot()).messages.filter((m) => m.onlyFor === id && m.bot),
  });

  const everywhere = async () => (await snapshot()).messages.filter((m) => m.onlyFor === null);
  const inChannel = async () => (await everywhere()).filter((m) => m.channel === channel);
  const thread = async () => (await inChannel()).filter((m) => m.ts === rootTs || m.threadTs === rootTs);
  const posts = async () => (await inChannel()).filter((m) => m.bot && m.threadTs === null && m.ts !== rootTs);
  const untilThread: Stage['untilThread'] = (what, look) => until(what, async () => look(await thread()));
  const priya = person('U1');
  const begin = async (what: Act) => {
    if ((what.do === 'say' || what.do === 'command') && what.channel) channel = what.channel;
    const before = new Set((await inChannel()).map((m) => m.ts));
    const acted = await did(what);
    const first = (m: SandboxMessage) => (what.do === 'say' ? m.ts === acted.ts : m.bot && m.threadTs === null && !before.has(m.ts));
    rootTs = (await until('the first message of the thread', async () => (await inChannel()).find(first))).ts;
  };

  return {
    priya,
    sam: person('U2'),
    oscar: person('U4'),
    backends,
    get channel() {
      return channel;
    },
    open: (prompt) => begin({ as: priya.id, do: 'command', command: '/experiment', text: prompt, channel }),
    act: did,
    begin,
    forms: async (user) => (await snapshot()).modals.filter((modal) => modal.user === user),
    root: () => rootTs,
    thread,
    everywhere,
    posts,
    until,
    untilThread,
    card: (words) =>
      untilThread(`a card about ${words.source}`, (messages) => messages.findLast((m) => isOpenCard(m) && !decided.has(m.ts) && words.test(wordsOf(m)))),
    async ended(nth = 1) {
      const final = await untilThread('the end, with the head of the record', (messages) => finals(messages)[nth - 1]);
      return { words: wordsOf(final), head: headIn(final) ?? '' };
    },
    async print() {
      const { users, channels, messages } = await snapshot();
      const others = messages.filter((m) => m.channel === channel && m.ts !== rootTs && m.threadTs !== rootTs);
      const parts = [`#ml-experiments, the thread`, printThread(await thread(), users, channels)];
      if (others.length > 0) parts.push('#ml-experiments, beside it', printThread(others, users, channels));
      return parts.join('\n\n');
    },
  };
}

export function isOpenCard(message: SandboxMessage): boolean {
  return interactiveElements(message.blocks).some(({ element }) => element['action_id'] === 'approve_call');
}

/** The head of the record, 64 hexadecimal digits, as the final message shows it. */
export function headIn(message: SandboxMessage): string | null {
  return /\bhead\W{0,3}([0-9a-f]{64})\b/.exec(wordsOf(message))?.[1] ?? null;
}

function finals(messages: readonly SandboxMessage[]): SandboxMessage[] {
  return messages.filter((m) => m.bot && /record: \d+ lines/.test(wordsOf(m)) && headIn(m) !== null);
}

function openForm(modals: readonly SandboxModal[], user: string) {
  const modal = modals.find((m) => m.user === user);
  const blocks = isJson(modal?.view) && Array.isArray(modal.view['blocks']) ? modal.view['blocks'] : [];
  const input = interactiveElements(blocks).find(({ element }) => element['type'] === 'plain_text_input');
  return modal && input ? { modal, input } : null;
}
