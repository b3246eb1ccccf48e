import { expect, test } from 'vitest';
import { differencesPage } from '../../src/job/differences-page.js';
import { MEMBER_TABLE } from '../../src/job/member-table.js';
import { PROCESSING_MEMBER_TABLE } from '../../src/job/processing-member-table.js';

// Written again by `npx vitest run test/job/differences-page.test.ts -u`.
test('docs/differences.md is what the member tables say', async () => {
  await expect(differencesPage()).toMatchFileSnapshot('../../docs/differences.md');
});

test.each([
  ['training', MEMBER_TABLE],
  ['processing', PROCESSING_MEMBER_TABLE],
])('every row of the member table of %s jobs is on the page', (_, table) => {
  const page = differencesPage();
  expect(table.filter(row => !page.includes(`| \`${row.member}\` |`))).toEqual([]);
});
