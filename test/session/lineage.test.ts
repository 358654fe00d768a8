import { describe, expect, test } from 'vitest';
import { parsePrompt } from '../../src/sandbox/claude/parse-prompt.ts';
import { ablationPrompt } from '../../src/sandbox/scenarios/ablation-prompt.ts';
import type { EventOf } from '../../src/session/events.ts';
import { changedPrompt, placeInLine, repeats } from '../../src/session/lineage.ts';
import { report } from '../../src/session/report.ts';
import type { Session } from '../../src/session/state.ts';
import { opened, sessionOf } from './logs.ts';

const first = sessionOf([{ ...opened(ablationPrompt()), alias: 'e-aaaa' }], 's1');

/** The session that repeats another with these parameters, as `deliver` would open it. */
function again(earlier: Session, alias: string, changes: Record<string, string>): Session {
  const { prompt, changes: stated } = changedPrompt(earlier, changes);
  const event: EventOf<'opened'> = { ...opened(prompt), alias, door: 'button', rerun_of: repeats(earlier, stated) };
  return sessionOf([event], `s-${alias}`);
}

describe('a line of repetitions', () => {
  test('states every change since the first over what was asked first, to the letter, once', () => {
    const second = again(first, 'e-bbbb', { feature_set: 'v3' });
    const third = again(second, 'e-cccc', { dropout: '0.1', feature_set: 'tiny' });
    expect(second.opened.prompt).toBe(`Run it again with feature_set=v3. What was asked first:\n\n${ablationPrompt()}`);
    expect(third.opened.prompt).toBe(`Run it again with feature_set=tiny and dropout=0.1. What was asked first:\n\n${ablationPrompt()}`);
    expect(parsePrompt(third.opened.prompt)).toMatchObject({
      is: 'experiment',
      plan: { run: { config: 'base_config.json', parameters: { feature_set: 'tiny', dropout: '0.1' } }, improved: [{ do: 'pull-request' }] },
    });
  });

  test('an unchanged repetition has the same request, and the next change still knows what was asked first', () => {
    const second = again(again(first, 'e-bbbb', { lr: '0.1' }), 'e-cccc', {});
    expect(second.opened.prompt).toBe(`Run it again with lr=0.1. What was asked first:\n\n${ablationPrompt()}`);
    expect(again(second, 'e-dddd', { lr: '0.2' }).opened.prompt).toBe(`Run it again with lr=0.2. What was asked first:\n\n${ablationPrompt()}`);
    expect(again(first, 'e-eeee', {}).opened.prompt).toBe(ablationPrompt());
  });

  test('a request that somebody rewrote is where the next changes begin', () => {
    const rewritten = sessionOf([{ ...opened('Run job 7 with a=1'), alias: 'e-bbbb', rerun_of: repeats(again(first, 'e-x', { lr: '1' }), {}) }], 's2');
    expect(again(rewritten, 'e-cccc', { a: '2' }).opened.prompt).toBe('Run it again with a=2. What was asked first:\n\nRun job 7 with a=1');
  });

  test('each knows its place, what stood before it, and whose record it repeats', () => {
    const second = again(first, 'e-bbbb', { lr: '0.1' });
    const third = again(second, 'e-cccc', {});
    expect(third.opened.rerun_of).toMatchObject({
      session: 's-e-bbbb',
      alias: 'e-bbbb',
      head: second.head,
      first: 's1',
      line: 3,
      earlier: ['e-aaaa', 'e-bbbb'],
    });
    const line = third.opened.rerun_of;
    if (!line) throw new Error('no line');
    expect(placeInLine(line, 'e-cccc')).toBe('third of this line: e-aaaa → e-bbbb → e-cccc');
    expect(placeInLine(line, 'e-cccc', 5)).toBe('third of five in this line: e-aaaa → e-bbbb → e-cccc');
    expect(report(third)).toContain('- Repeats `e-bbbb`');
    let last = third;
    for (let i = 0; i < 12; i++) last = again(last, `e-n${i}`, {});
    expect(placeInLine(last.opened.rerun_of ?? line, 'e-n11')).toMatch(/^number 15 of this line: … → e-n1 → .* → e-n11$/);
  });
});
