import { expect, test } from 'vitest';
import { newRow, rowOf, tablesOf, withRow } from '../../src/tools/markdown-table.ts';

const doc = ['# Tried', '', '| run | val_f1 | who |', '|---|:---:|---|', '| a | 0.70 | Ana |', '| b \\| c | 0.71 | Bo |', '', 'The end.', ''].join('\n');
const table = () => tablesOf(doc)[0]!;

test('a table ends where its rows end, and one in a fence is none', () => {
  expect(table()).toEqual({ header: ['run', 'val_f1', 'who'], from: 4, to: 6 });
  expect(tablesOf(`\`\`\`\n${doc}\`\`\`\n\n| x | y |\n|--|--|\n`)).toEqual([{ header: ['x', 'y'], from: 13, to: 13 }]);
  expect(tablesOf('a | b\nno delimiter | here\n')).toEqual([]);
});

test('a row is changed in the named columns only, and a new one goes to the end of its table', () => {
  const before = rowOf(doc, table(), 'A');
  expect(before).toBe('| a | 0.70 | Ana |');
  const after = newRow(table(), before, 'A', { VAL_F1: '0.73' });
  expect(after).toBe('| a | 0.73 | Ana |');
  expect(withRow(doc, table(), before, after)).toBe(doc.replace('0.70', '0.73'));
  const added = newRow(table(), null, 'd', { who: 'Cy' });
  expect(withRow(doc, table(), null, added)).toBe(doc.replace('Bo |\n', 'Bo |\n| d |  | Cy |\n'));
});

test('a pipe in a key finds its row, and a value can neither leave its cell nor mention anybody', () => {
  expect(rowOf(doc, table(), 'b | c')).toBe('| b \\| c | 0.71 | Bo |');
  const row = newRow(table(), null, 'x', { val_f1: '1 | 2\n| forged | row |', who: '@ana <!-- hidden -->\\' });
  expect(row).toBe('| x | 1 \\| 2 \\| forged \\| row \\| | @ ana &lt;!-- hidden --> |');
  const whole = withRow(doc, table(), null, row);
  expect(tablesOf(whole)[0]).toMatchObject({ from: 4, to: 7 });
  expect(rowOf(whole, tablesOf(whole)[0]!, 'forged')).toBeNull();
});

test('line ends stay as they are', () => {
  const windows = doc.replaceAll('\n', '\r\n');
  const changed = withRow(windows, tablesOf(windows)[0]!, '| a | 0.70 | Ana |', '| a | 0.73 | Ana |');
  expect(changed).toBe(windows.replace('0.70', '0.73'));
});

test('in a document of mixed line ends each line keeps its own, and a new row ends as the one above it', () => {
  const mixed = `old line\r\n${doc}`;
  expect(withRow(mixed, tablesOf(mixed)[0]!, '| a | 0.70 | Ana |', '| a | 0.73 | Ana |')).toBe(mixed.replace('0.70', '0.73'));
  expect(withRow(mixed, tablesOf(mixed)[0]!, null, '| d |  | Cy |')).toBe(mixed.replace('Bo |\n', 'Bo |\n| d |  | Cy |\n'));
  const open = 'x\n| k | v |\r\n|---|---|\r\n| a | 1 |';
  expect(withRow(open, tablesOf(open)[0]!, null, '| b | 2 |')).toBe(`${open}\r\n| b | 2 |`);
  expect(withRow(open, tablesOf(open)[0]!, '| a | 1 |', '| a | 2 |')).toBe(open.replace('1', '2'));
});
