import { setTimeout as sleep } from 'node:timers/promises';
import type { Act, SandboxMessage } from '../../src/sandbox/control-types.ts';
import { interactiveElements } from '../../src/sandbox/slack/messages.ts';
import type { Needs } from './kill.ts';
import type { Random } from './random.ts';
import type { CrashStage } from './stage.ts';
import { KINDS, type Kind, promptOf } from './workload.ts';

/** What somebody did in Slack that Slack acknowledged: it must be in a log, or the person was told otherwise. */
export type Acked =
  | { what: 'command'; token: string; kind: Kind }
  | { what: 'click'; approval: string; by: string; channel: string; at: string }
  | { what: 'stop'; alias: string; channel: string };

export type People = {
  acked: Acked[];
  /** Tokens of prompts that were typed, acknowledged or not. */
  typed: Map<string, Kind>;
  notes: { token: string; ts: string }[];
  /** How many sessions are open now. */
  open(): number;
  /** What somebody lies in wait for comes by more often from now on. */
  favour(needs: readonly Needs[]): void;
  /** No new sessions; resolves when all have ended, or with false when they have not in time. */
  finish(withinMs: number): Promise<boolean>;
};

/** Half of a question's time, after which it is reminded of. */
const REMINDED_MS = 12.5 * 3_600_000;

/** Nothing was done, and the person was told so. */
const NOT_STORED = /repeat|could not|try again|did not tell me|trouble/i;

/** How often somebody adds a thought, stops, says no. */
export type Chances = { note: number; stop: number; deny: number };
const USUAL: Chances = { note: 0.15, stop: 0.08, deny: 0.07 };
/** Where every kind of delivery is waited for. */
export const TALKATIVE: Chances = { note: 0.7, stop: 0.05, deny: 0.3 };

/** Nobody but the experiment itself. */
export const SILENT: Chances = { note: 0, stop: 0, deny: 0 };

/** How often somebody does what is waited for, where they would do something else. */
const FAVOURED = 0.6;

/** One person for each channel, who has one experiment run after the other, and approvers who say yes to nearly every card. */
export function startPeople(stage: CrashStage, random: Random, kinds: readonly Kind[] = Object.keys(KINDS) as Kind[], chances = USUAL): People {
  const { slack, channels, redis, keys } = stage;
  const acked: Acked[] = [];
  const typed = new Map<string, Kind>();
  const notes: People['notes'] = [];
  let live = new Set<string>();
  let looks = 0;
  let going = true;
  let over = false;
  let counter = 0;
  let favoured: Kind[] = [];
  let wanted: readonly Needs['people'][] = [];
  const salt = Math.floor(random.next() * 36 ** 4).toString(36);
  const act = (what: Act) => slack.act(what);

  const watching = (async () => {
    while (!over && (going || live.size > 0)) {
      live = new Set(await redis.smembers(keys.liveTeam('T1')));
      looks += 1;
      await sleep(200);
    }
  })();
  const denies = new Map<string, boolean>();
  const minds = new Map<string, { seen: number; looksAfterMs: number }>();
  const now = () => stage.time?.now() ?? Date.now();
  /** Where hours pass, some questions lie until they were reminded of, and some for good. */
  const looksAt = (approval: string) => {
    const fate = random.next();
    const mind = minds.get(approval) ?? { seen: now(), looksAfterMs: !stage.time || fate < 0.5 ? 0 : fate < 0.75 ? REMINDED_MS : Number.POSITIVE_INFINITY };
    minds.set(approval, mind);
    return now() - mind.seen >= mind.looksAfterMs;
  };
  const livesIn = (channel: string) => [...live].some((sid) => sid.includes(`-${channel}-`));

  async function begin(channel: string): Promise<boolean> {
    const kind = random.pick(favoured.length > 0 && random.next() < FAVOURED ? favoured : kinds);
    const token = `t${salt}${(++counter).toString(36)}`;
    typed.set(token, kind);
    const acted = await act({ as: 'U1', do: 'command', command: '/experiment', text: promptOf(token, kind), channel });
    const stored = acted.ok && acted.response?.startsWith('Opened') === true;
    if (stored) acked.push({ what: 'command', token, kind });
    return stored;
  }

  /** Decides on every card that is open; again when nothing has come of it, as people do. */
  async function attend(channel: string, clicked: Map<string, number>): Promise<void> {
    for (const message of slack.world.data.messages.filter((m) => m.channel === channel)) {
      const approval = buttonValue(message, 'approve_call');
      if (approval === null || !looksAt(approval) || Date.now() - (clicked.get(approval) ?? 0) < 3_000) continue;
      clicked.set(approval, Date.now());
      const by = random.pick(['U2', 'U3']);
      const at = slack.world.nextTs();
      if (!denies.has(approval)) denies.set(approval, random.next() < Math.max(chances.deny, wanted.includes('deny') ? FAVOURED : 0));
      const acted = denies.get(approval)
        ? await deny(by, message, approval)
        : await act({ as: by, do: 'click', channel, ts: message.ts, actionId: 'approve_call' });
      if (acted.ok) acked.push({ what: 'click', approval, by, channel, at });
    }
  }

  /** A no is asked for its reason, and counts when that is submitted. */
  async function deny(by: string, { channel, ts }: SandboxMessage, approval: string): Promise<{ ok: boolean }> {
    await act({ as: by, do: 'click', channel, ts, actionId: 'deny_call' });
    for (let i = 0; i < 10; i++) {
      const modal = slack.world.data.modals.findLast((m) => m.user === by && m.view['private_metadata'] === approval);
      if (modal) return act({ as: by, do: 'submit', modal: modal.id, values: {} });
      await sleep(100);
    }
    return { ok: false };
  }

  async function one(channel: string): Promise<void> {
    const clicked = new Map<string, number>();
    const noteIsWanted = wanted.includes('note');
    let spoken = random.next() < Math.max(chances.note, noteIsWanted ? FAVOURED : 0) ? 'note' : random.next() < chances.stop ? 'stop' : 'nothing';
    const speakAt = Date.now() + 1_000 + random.next() * (noteIsWanted ? 1_000 : 5_000);
    while (!(await begin(channel)) && going) await sleep(500);
    const since = looks;
    while (!over && (looks < since + 3 || livesIn(channel))) {
      await attend(channel, clicked);
      const root =
        spoken !== 'nothing' && Date.now() > speakAt
          ? slack.world.data.messages.findLast((m) => m.channel === channel && m.bot && !m.threadTs && m.onlyFor === null)
          : undefined;
      if (root) {
        if (spoken === 'note') await note(channel, root);
        else await stop(channel, root);
        spoken = 'nothing';
      }
      await sleep(150);
    }
  }

  async function note(channel: string, root: SandboxMessage): Promise<void> {
    const token = `n${salt}${(++counter).toString(36)}`;
    const { ts } = await act({ as: 'U1', do: 'say', text: `A thought: ${token}`, channel, thread: root.ts });
    if (ts) notes.push({ token, ts });
  }

  async function stop(channel: string, root: SandboxMessage): Promise<void> {
    const alias = /\be-[0-9a-z]{4,}/.exec(JSON.stringify(root.blocks) + root.text)?.[0];
    if (!alias) return;
    const acted = await act({ as: 'U1', do: 'command', command: '/experiment', text: `stop ${alias}`, channel });
    if (acted.ok && acted.response && !NOT_STORED.test(acted.response)) acked.push({ what: 'stop', alias, channel });
  }

  const lanes = channels.map(async (channel, i) => {
    await sleep(i * 100);
    while (going) await one(channel);
  });
  // Where the stage is closed under them, what closed it is the news.
  for (const life of [...lanes, watching]) life.catch(() => {});
  return {
    acked,
    typed,
    notes,
    open: () => live.size,
    favour(needs) {
      favoured = needs.flatMap((n) => n.kinds ?? []).filter((kind) => kinds.includes(kind));
      wanted = needs.map((n) => n.people);
    },
    async finish(withinMs) {
      going = false;
      const late = sleep(withinMs, 'late', { ref: false });
      const done = Promise.all([...lanes, watching]).then(() => 'done');
      const how = await Promise.race([done, late]);
      over = true;
      return how === 'done';
    },
  };
}

/** What stands on a button of a message, if it has it. */
function buttonValue(message: SandboxMessage, actionId: string): string | null {
  const button = interactiveElements(message.blocks).find(({ element }) => element['action_id'] === actionId);
  return button ? String(button.element['value']) : null;
}

/** Whether this person was told in this channel, after `at`, that something was not stored. */
export function toldOtherwise(stage: CrashStage, channel: string, by: string, at: string): boolean {
  return stage.slack.world.data.messages.some(
    (m) => m.channel === channel && m.onlyFor === by && m.ts > at && NOT_STORED.test(m.text + JSON.stringify(m.blocks)),
  );
}
