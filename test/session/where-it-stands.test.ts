import { describe, expect, test } from 'vitest';
import type { SessionEvent } from '../../src/session/events.ts';
import { isWaiting, stateOf, stateWord } from '../../src/session/where-it-stands.ts';
import { stateInWords } from '../../src/slack/views/words.ts';
import { asks, finished, opened, replied, sessionOf, told, waitsForAnswer, waitsForJob } from './logs.ts';

const run = { id: 'c1', tool: 'run_databricks_job' };
const run2 = { ...run, id: 'c2' };
const two = replied(1, [{ id: 'c1', tool: 'wait_for_job' }, run2]);
const limit: SessionEvent = { type: 'noted', about: 'limit', text: '40 turns.' };
const attention: SessionEvent = { type: 'noted', about: 'attention', text: 'Ten times.' };
const offer: SessionEvent = { type: 'noted', about: 'offer', text: 'Run 7 goes on.' };
const answered = [opened(), replied(1, [run]), finished('c1')];

describe('where a session stands', () => {
  test.each<[SessionEvent[], string, string, string, boolean]>([
    [[opened()], 'thinking', 'thinking', 'Thinking', false],
    [[{ ...opened(), door: 'mcp' }], 'idle', 'idle', 'Idle', false],
    [[opened(), replied(1, [run])], 'working', 'working', 'Working', false],
    [[opened(), replied(1, [run]), asks('c1')], 'approval', 'waiting for approval', 'Waiting for approval', true],
    [[opened(), two, waitsForJob('c1'), asks('c2')], 'approval', 'waiting for approval', 'Waiting for approval', true],
    [[opened(), two, waitsForAnswer('c1'), waitsForJob('c2')], 'question', 'waiting for an answer', 'Waiting for an answer', true],
    [[opened(), two, waitsForJob('c1'), finished('c2')], 'training', 'training', 'Training; woken when it ends', false],
    [[...answered, limit], 'budget', 'at its limit', 'At its limit; waiting for somebody to raise it', true],
    [[...answered, attention], 'attention', 'needs attention', 'Needs attention', true],
    [[...answered, told('', 'stop')], 'stopping', 'stopping', 'Stopping', false],
    [[...answered, told('', 'stop'), offer], 'offer', 'stopped but running', 'Stopped; a run goes on', true],
    [[...answered, { type: 'ended', outcome: 'stopped', text: '' }], 'stopped', 'stopped', 'Stopped', false],
    [[...answered, { type: 'ended', outcome: 'limit', text: '' }], 'over budget', 'ended at its budget', 'Ended at its budget', false],
  ])('is the same in its thread, in lists and on Home: %#', (events, state, word, words, waits) => {
    const s = sessionOf(events);
    expect([stateOf(s), stateWord(s), stateInWords(s), isWaiting(stateWord(s))]).toEqual([state, word, words, waits]);
  });
});
