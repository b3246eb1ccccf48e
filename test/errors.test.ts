import { expect, test } from 'vitest';
import { asOptmlError } from '../src/errors.js';

test.each(['EACCES', 'ENOENT', 'ENAMETOOLONG'])('%s: a very long path is shown by its two ends', code => {
  const path = `/home/${'deep/'.repeat(800)}model.bin`;
  const { message } = asOptmlError(
    Object.assign(new Error(`${code}: no way, open '${path}'`), { code, path }),
  );
  expect(message).toContain('/home/deep/deep/');
  expect(message).toContain('…');
  expect(message).toContain('deep/model.bin');
  expect(message.length).toBeLessThan(400);
});
