import { expect, test } from 'vitest';
import { differencesPage } from '../../src/job/differences-page.js';
import { MEMBER_TABLE } from '../../src/job/member-table.js';

// Written again by `npx vitest run test/job/differences-page.test.ts -u`.
test('docs/differences.md is what the member table says', async () => {
  await expect(differencesPage()).toMatchFileSnapshot('../../docs/differences.md');
});

test('every row of the member table is on the page', () => {
  const page = differencesPage();
  expect(MEMBER_TABLE.filter(row => !page.includes(`| \`${row.member}\` |`))).toEqual([]);
});
