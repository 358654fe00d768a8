import { expect, test } from 'vitest';
import { approvalId, editedApproval, isApprovalId } from '../../src/session/approval-id.ts';

const [A, B] = ['a'.repeat(64), 'b'.repeat(64)] as const;

test('an id tells what is asked, an edited one what it was changed to, and both are known for ids, as are those of an older labmate', () => {
  const asked = approvalId('s-1', 2, A);
  expect(asked).toBe('s-1/2-aaaaaaaaaaaa');
  expect(editedApproval(asked, B)).toBe('s-1/2-aaaaaaaaaaaa.bbbbbbbbbbbb');
  for (const id of [asked, editedApproval(asked, B), 's-1/2', 's-1/2.1.1', editedApproval('s-1/2.1', B)]) expect(isApprovalId(id), id).toBe(true);
  for (const text of ['s-1', 's-1/', 's-1/x', 's-1/2-aaaa', 's-1/2-aaaaaaaaaaaa/3', '../s-1/2', 's-1/2 ']) expect(isApprovalId(text), text).toBe(false);
});
