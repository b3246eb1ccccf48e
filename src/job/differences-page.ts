/** The user's page about what differs from SageMaker, written from the member table. Pure: text out, nothing else. */
import type { MemberRow } from './member-row.js';
import { MEMBER_TABLE } from './member-table.js';
import { PROCESSING_MEMBER_TABLE } from './processing-member-table.js';

// Prettier is kept out: it would pad every cell to the longest of its column.
const HEAD = `<!-- Generated from src/job/member-table.ts and src/job/processing-member-table.ts: change it there, then run \`npx vitest run test/job/differences-page.test.ts -u\`. -->
<!-- prettier-ignore-start -->

# What differs from SageMaker

optml honours every member of a \`CreateTrainingJob\` or \`CreateProcessingJob\` request, or tells you that it does not. A **difference** stands in
the output of \`optml plan\` and on the card of a run; with \`--strict\` it refuses the request. A **refused** member ends
the run before it begins, with exit status 2, and a member that AWS does not have is refused as well. Nothing is left
out in silence.

In the tables, \`[]\` is any item of a list, and \`.**\` is a member with all that is below it.`;

const KINDS: readonly { readonly title: string; readonly rows: readonly MemberRow[] }[] = [
  { title: 'Training jobs', rows: MEMBER_TABLE },
  { title: 'Processing jobs', rows: PROCESSING_MEMBER_TABLE },
];

/** \`docs/differences.md\`, as Markdown with a newline at its end. */
export function differencesPage(): string {
  return `${[HEAD, ...KINDS.map(section), '<!-- prettier-ignore-end -->'].join('\n\n')}\n`;
}

function section({ title, rows }: (typeof KINDS)[number]): string {
  return [`## ${title}`, differences(rows), refused(rows), honoured(rows)].join('\n\n');
}

function differences(members: readonly MemberRow[]): string {
  const rows = members.flatMap(({ member, difference }) =>
    difference === undefined ? [] : [[code(member), difference.when.words, difference.here, difference.why]],
  );
  return `### Different here\n\n${table(['Member', 'When', 'What happens here', 'Why'], rows)}`;
}

function refused(members: readonly MemberRow[]): string {
  const rows = members.flatMap(({ member, refused: rules = [] }) =>
    rules.map(rule => [code(member), rule.when.words, rule.why, rule.instead]),
  );
  return `### Refused\n\n${table(['Member', 'When', 'Why', 'What to do instead'], rows)}`;
}

function honoured(members: readonly MemberRow[]): string {
  const rows = members.flatMap(({ member, honoured: remark }) =>
    remark === undefined ? [] : [[code(member), remark]],
  );
  return `### Honoured\n\nThese do what they do on SageMaker; a value or condition that does not, is in a table above.\n\n${table(['Member', 'Remark'], rows)}`;
}

function code(member: string): string {
  return `\`${member}\``;
}

function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const line = (cells: readonly string[]): string =>
    `| ${cells.map(cell => cell.replaceAll('|', '\\|')).join(' | ')} |`;
  return [line(head), line(head.map(() => '---')), ...rows.map(line)].join('\n');
}
