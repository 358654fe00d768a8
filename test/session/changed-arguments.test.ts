import { expect, test } from 'vitest';
import { changedArguments, changesInWords } from '../../src/session/changed-arguments.ts';

test.each([
  ['nothing', { a: 1, b: { c: 'x' } }, { b: { c: 'x' }, a: 1 }, []],
  ['a leaf', { parameters: { lr: '0.1' } }, { parameters: { lr: '0.2' } }, [{ name: 'parameters.lr', from: '0.1', to: '0.2' }]],
  [
    'what comes and goes',
    { parameters: { lr: '0.1' } },
    { parameters: { seed: '1' } },
    [
      { name: 'parameters.lr', from: '0.1', to: null },
      { name: 'parameters.seed', from: null, to: '1' },
    ],
  ],
  ['a list by its places', { labels: ['a', 'b'] }, { labels: ['a'] }, [{ name: 'labels.1', from: 'b', to: null }]],
  ['an emptied list', { labels: ['a'] }, { labels: [] }, [{ name: 'labels.0', from: 'a', to: null }]],
  ['an empty list that is filled', { labels: [] }, { labels: ['ablation'] }, [{ name: 'labels.0', from: null, to: 'ablation' }]],
  ['an empty object that is filled', { parameters: {} }, { parameters: { lr: '0.1' } }, [{ name: 'parameters.lr', from: null, to: '0.1' }]],
  ['an empty list that is left out', { labels: [] }, {}, [{ name: 'labels', from: '[]', to: null }]],
  ['a text in place of a list', { labels: [] }, { labels: 'a' }, [{ name: 'labels', from: '[]', to: 'a' }]],
  ['a type', { n: 1 }, { n: true }, [{ name: 'n', from: '1', to: 'true' }]],
])('between two sets of arguments %s differs leaf by leaf', (_name, before, after, expected) => {
  expect(changedArguments(before, after)).toEqual(expected);
});

test('people are told which item of a list it is, counted from one; a name with a dot and a digit in it stays a name', () => {
  const before = { files: [{ path: 'a', content: 'x' }], reviewers: [], parameters: { 'layer.0': '1' } };
  const after = { files: [{ path: 'a', content: 'y' }], reviewers: ['nobody-here'], parameters: {} };
  expect(changesInWords(before, after)).toEqual([
    { name: 'files, item 1, content', from: 'x', to: 'y' },
    { name: 'parameters.layer.0', from: '1', to: null },
    { name: 'reviewers, item 1', from: null, to: 'nobody-here' },
  ]);
});
