import { setTimeout as sleep } from 'node:timers/promises';
import { COMMIT, type Kill } from './kill.ts';
import type { CrashStage } from './stage.ts';
import { comesBy, EFFECTS, lieInWait, type Request } from './worker-kills.ts';

const TIMES = 10;
/** What was sent without an answer is looked for only when it can no longer arrive, and a step that was cut off twice is run alone. */
const PATIENCE_MS = 90_000;
const ENDS_WITHIN_MS = 120_000;

const effect = (name: string): Request => {
  const found = EFFECTS.find((e) => e.name === name);
  if (!found) throw new Error(`there is no effect "${name}"`);
  return found;
};
const MODEL: Request = { name: 'the model is asked', service: 'claude', words: ['POST /v1/messages'] };
const commitOf = (type: string): Request => ({ name: `${type} is written`, service: 'redis', words: [COMMIT, `"type":"${type}"`] });

/** One instant for each kill, in the order in which a session of the kind "whole" comes by. */
const ON_ITS_WAY: readonly { request: Request; when: 'before' | 'after' }[] = [
  { request: MODEL, when: 'before' },
  { request: commitOf('call_parked'), when: 'before' },
  { request: commitOf('call_started'), when: 'before' },
  { request: effect('the run is started'), when: 'after' },
  { request: commitOf('call_finished'), when: 'before' },
  { request: MODEL, when: 'after' },
  { request: effect('the branch is made'), when: 'after' },
  { request: effect('the pull request is opened'), when: 'before' },
  { request: effect('its post'), when: 'after' },
  { request: commitOf('call_finished'), when: 'after' },
];

/** Ten times kill -9 of whoever works on the one session there is. */
const tenTimes = (where: string, instants: readonly { request: Request; when: 'before' | 'after' }[]): Kill => ({
  name: `one session, killed ten times ${where}`,
  weight: 1,
  breaks: 'worker',
  blows: TIMES,
  async strike(stage, _, struck) {
    const live = () => stage.redis.smembers(stage.keys.liveTeam('T1'));
    // One that is under way already has passed some of the instants.
    while ((await live()).length > 0) await sleep(20);
    const killed = new Set<string>();
    const [first, ...later] = instants;
    let traps = first ? lieInWait(stage.workers, first.request, first.when) : [];
    for (const next of [...later, null]) {
      const { who, caught, how } = await comesBy(traps, PATIENCE_MS);
      if (how) {
        caught.release();
        return how;
      }
      for (const sid of await live()) killed.add(sid);
      await struck();
      // Laid before anybody else can take the session up.
      traps = next ? lieInWait(stage.workers, next.request, next.when) : [];
      await who.process.signal('SIGKILL');
      caught.drop();
    }
    const last = Date.now();
    await stage.ready();
    const [sid, ...others] = killed;
    if (sid === undefined || others.length > 0) throw new Error(`ten kills of one session hit ${killed.size}`);
    const session = await endOf(stage, sid);
    const seconds = ((Date.now() - last) / 1_000).toFixed(1);
    const came = session?.ended ? `ended as ${session.ended.outcome} ${seconds} s after the last` : `had not ended ${seconds} s after the last`;
    stage.say(`${session?.opened.alias ?? sid} was killed ${instants.length} times ${where} and ${came}`);
  },
});

async function endOf({ reading }: CrashStage, sid: string) {
  for (const until = Date.now() + ENDS_WITHIN_MS; ; await sleep(100)) {
    const session = await reading.session(sid);
    if (session?.ended || Date.now() > until) return session;
  }
}

/** `--ten`: each on a stage of its own, with one person who has one experiment. */
export const TEN_KILLS: readonly Kill[] = [
  tenTimes(
    'at one step',
    Array.from({ length: TIMES }, () => ({ request: MODEL, when: 'before' as const })),
  ),
  tenTimes('on its way', ON_ITS_WAY),
];
