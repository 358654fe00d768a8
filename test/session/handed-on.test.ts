import { expect, test } from 'vitest';
import { handedOn } from '../../src/session/handed-on.ts';
import { report } from '../../src/session/report.ts';
import type { Session } from '../../src/session/state.ts';
import { finished, opened, replied, sessionOf, started } from './logs.ts';

const ended = { type: 'ended', outcome: 'done', text: '' } as const;
const ran = [replied(1, [{ id: 'c1', tool: 'run_databricks_job' }]), started('c1', 'run_databricks_job'), finished('c1', { run_id: '77' })];
const following = (before: Session) => ({ session: before.opened.alias, head: before.head, report: handedOn(before) });

test('the first of a thread is told of by its report, one that acted by its own behind it, one that talked by its words', () => {
  const first = sessionOf([opened('Train with lr=0.1'), ...ran.map(byRule), ended]);
  expect(handedOn(first)).toBe(report(first));
  const thanks = sessionOf([{ ...opened('What was the *baseline*?'), after: following(first) }, replied(1, [], 'It was 0.71.'), ended]);
  expect(handedOn(thanks)).toBe(
    `${report(first).trimEnd()}\n\n# Experiment e-test\n\n## What was asked\n\n\`\`\`text\nWhat was the *baseline*?\n\`\`\`\n\n## What was answered\n\n\`\`\`text\nIt was 0.71.\n\`\`\`\n`,
  );
  const again = sessionOf([{ ...opened('Run it again with lr=0.2'), after: following(thanks) }, ...ran.map(byRule), ended]);
  expect(handedOn(again)).toBe(`${handedOn(thanks).trimEnd()}\n\n${report(again)}`);
});

test('what only looked, and what was not allowed, is told of whole', () => {
  const first = sessionOf([opened('Train with lr=0.1'), ...ran.map(byRule), ended]);
  const looked = [replied(1, [{ id: 'c1', tool: 'compare_runs' }]), finished('c1', { verdict: 'improved' }), replied(3, [], 'Better.'), ended];
  const second = sessionOf([{ ...opened('Compare it with 8f2a'), after: following(first) }, ...looked]);
  expect(handedOn(second)).toBe(`${report(first).trimEnd()}\n\n${report(second)}`);
});

test('a long thread keeps its beginning and its end', () => {
  let last = sessionOf([opened('The first words'), ended]);
  for (let i = 0; i < 200; i++)
    last = sessionOf([{ ...opened(`Question ${i}: ${'why '.repeat(40)}`), after: following(last) }, replied(1, [], 'Because.'), ended]);
  const told = handedOn(last);
  expect(told.length).toBeLessThan(24_100);
  for (const words of ['The first words', 'Question 0:', 'Question 199:', 'left out']) expect(told).toContain(words);
  expect(told).not.toContain('Question 100:');
  expect(told.match(/left out/g)).toHaveLength(1);
  // Nothing is cut inside a quote.
  expect(told.match(/^`{3}/gm)?.length).toBe(2 * (told.match(/^`{3}text$/gm)?.length ?? 0));
});

function byRule<E extends { type: string }>(event: E): E {
  if (event.type !== 'call_started') return event;
  const { approval: _, ...rest } = event as E & { approval?: string };
  return { ...rest, rule: 'a rule' } as unknown as E;
}
