import { expect, it } from 'vitest';
import type { QueuedFile } from '../../../main/engine/ledger/ledger.ts';
import { tokenOf } from '../../../main/engine/transfer/putFile.ts';

it('an upload that meets a copy which was not confirmed does not take it for its own', () => {
  const file = { id: 1, identity: '7.1.1.1.1' } as unknown as QueuedFile;
  expect(tokenOf(file)).toBe(tokenOf(file));
  expect(tokenOf(file, 'copy')).toBe(tokenOf(file, 'copy'));
  expect(tokenOf(file, 'copy')).not.toBe(tokenOf(file));
});
