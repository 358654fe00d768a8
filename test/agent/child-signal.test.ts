import { expect, test } from 'vitest';
import { childSignal } from '../../src/agent/child-signal.ts';

test('a child fires with its parent and with its reason, also where the parent had fired before, and leaves the parent alone', () => {
  const parent = new AbortController();
  const child = childSignal(parent.signal);
  const sibling = childSignal(parent.signal);
  sibling.abort();
  expect([parent.signal.aborted, child.signal.aborted, sibling.signal.aborted]).toEqual([false, false, true]);
  parent.abort('stopped');
  expect(child.signal.reason).toBe('stopped');
  expect(childSignal(parent.signal).signal.reason).toBe('stopped');
});

test('released, it hears no more of its parent', () => {
  const parent = new AbortController();
  const child = childSignal(parent.signal);
  child.release();
  parent.abort();
  expect(child.signal.aborted).toBe(false);
});
