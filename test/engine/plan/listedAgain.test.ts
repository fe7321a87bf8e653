import { describe, expect, it } from 'vitest';
import { listedAgain } from '../../../main/engine/plan/resumePlan.ts';

const sizes = { sizeBytes: 15, partSizeBytes: 10, partCount: 2 };
const sent = [
  { partNumber: 1, sizeBytes: 10, etag: 'a', checksum: 'AA' },
  { partNumber: 2, sizeBytes: 5, etag: 'b', checksum: 'BB' },
];

describe('a part that was sent twice', () => {
  it('is completed by the ETag that came in last, when its bytes are the same', () => {
    expect(listedAgain(sizes, sent, [sent[0]!, { ...sent[1]!, etag: 'c' }])).toEqual([
      sent[0],
      { ...sent[1], etag: 'c' },
    ]);
  });

  it('is not believed when checksum or size is another, none is listed, or it is missing', () => {
    expect(listedAgain(sizes, sent, [sent[0]!, { ...sent[1]!, etag: 'c', checksum: 'XX' }])).toBeNull();
    expect(listedAgain(sizes, sent, [sent[0]!, { ...sent[1]!, etag: 'c', sizeBytes: 4 }])).toBeNull();
    expect(listedAgain(sizes, sent, [sent[0]!, { ...sent[1]!, etag: 'c', checksum: null }])).toBeNull();
    expect(listedAgain(sizes, sent, [sent[0]!])).toBeNull();
  });

  it('is not the cause when the store lists what was refused', () => {
    expect(listedAgain(sizes, sent, sent)).toBeNull();
  });
});
