import { expect, test } from 'vitest';
import { approvalId, editedApproval, isApprovalId } from '../../src/session/approval-id.ts';

const [A, B] = ['a'.repeat(64), 'b'.repeat(64)] as const;

test('an id tells what is asked, an edited one what it was changed to, and both are known for ids, as are those of an older labmate', () => {
  const asked = approvalId('s-1', 2, A);
  expect(asked).toBe('s-1/2-aaaaaaaaaaaa');
  expect(editedApproval(asked, B)).toBe('s-1/2-aaaaaaaaaaaa.1-bbbbbbbbbbbb');
  const older = ['s-1/2', 's-1/2.1.1', 's-1/2-aaaaaaaaaaaa.1', 's-1/2-aaaaaaaaaaaa.bbbbbbbbbbbb.cccccccccccc'];
  for (const id of [asked, ...older]) for (const known of [id, editedApproval(id, B)]) expect(isApprovalId(known), known).toBe(true);
  for (const text of ['s-1', 's-1/', 's-1/x', 's-1/2-aaaa', 's-1/2-aaaaaaaaaaaa/3', '../s-1/2', 's-1/2 ']) expect(isApprovalId(text), text).toBe(false);
});

test('an id does not grow with every edit, and each edit has one of its own, also of what an older labmate asked', () => {
  for (const first of ['s-1/2', 's-1/2.1', approvalId('s-1', 2, A), 's-1/2-aaaaaaaaaaaa.bbbbbbbbbbbb']) {
    const ids = [first];
    for (let edit = 0; edit < 12; edit++) ids.push(editedApproval(ids.at(-1) ?? '', edit % 2 ? A : B));
    expect(new Set(ids).size).toBe(13);
    expect(ids.at(-1)).toBe(`${first}.12-aaaaaaaaaaaa`);
  }
});
