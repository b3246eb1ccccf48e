/** A listing of which any one bit is another: it is asked for again, or what it tells of is not there; never less. */
import { describe, expect, it } from 'vitest';
import { collect } from './contract.js';
import { answerError, startFakeS3 } from './fake-s3.js';

const signal = new AbortController().signal;
const prefix = { bucket: 'bucket', key: 'd/' };
const KEYS = ['d/1', 'd/2+', 'd/\u00fc'];
const entries = KEYS.map(
  (key, index) =>
    `<Contents><Key>${encodeURIComponent(key)}</Key><ETag>&quot;e${index}&quot;</ETag><Size>${index}</Size></Contents>`,
);
const LISTING = Buffer.from(
  `<?xml version="1.0"?><ListBucketResult><EncodingType>url</EncodingType><KeyCount>3</KeyCount><IsTruncated>false</IsTruncated>${entries.join('')}</ListBucketResult>`,
);

describe('a damaged listing', () => {
  it('is never a shorter one, whichever bit it is', async () => {
    let damaged = LISTING;
    await using fake = await startFakeS3((answer, _seen, nth) => answer.end(nth === 1 ? damaged : LISTING));
    const whole = await collect(fake.store.list(prefix, signal));
    expect(whole.map(object => object.key)).toEqual(KEYS);
    let again = 0;
    for (let bit = 0; bit < LISTING.length * 8; bit++) {
      damaged = Buffer.from(LISTING);
      damaged[bit >> 3] = (damaged[bit >> 3] ?? 0) ^ (1 << (bit & 7));
      fake.seen.length = 0;
      const found = await collect(fake.store.list(prefix, signal)).catch((thrown: unknown) => thrown);
      if (fake.seen.length > 1) again++;
      // What is not seen to be damaged names as many objects: one under a wrong key, size or ETag fails when it is fetched.
      if (Array.isArray(found)) expect([bit, found.length]).toEqual([bit, KEYS.length]);
      else expect(found).toMatchObject({ code: 'STORE_UNREACHABLE' });
    }
    expect(again).toBeGreaterThan(100);
  });

  it('that stays so is an error that names the prefix', async () => {
    await using fake = await startFakeS3(answer => answer.end(LISTING.subarray(0, 250)));
    await expect(collect(fake.store.list(prefix, signal))).rejects.toMatchObject({
      code: 'STORE_UNREACHABLE',
      message: expect.stringContaining('s3://bucket/d/') as string,
    });
  });

  it('has entities that are no characters: an error code is read all the same', async () => {
    await using fake = await startFakeS3(answer => answerError(answer, 403, { code: 'A&#x110000;B' }));
    await expect(collect(fake.store.list(prefix, signal))).rejects.toMatchObject({ code: 'STORE_DENIED' });
  });
});
