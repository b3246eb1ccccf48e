/** Searches a log for metrics as a job does that prints it: `metrics.mjs FILE PATTERN…`. */
import { createReadStream } from 'node:fs';
import { startMetricScanner } from '../../../dist/collect/metrics.js';
import { escapeControls, lineSplitter } from '../../../dist/journal/log-lines.js';

const [file, ...patterns] = process.argv.slice(2);
const scanner = startMetricScanner(patterns.map((regex, index) => ({ name: `m${index}`, regex })));
const splitter = lineSplitter();
const hand = lines => scanner.push(lines.map(escapeControls), Date.now());
// As large as what an engine sends at a time.
for await (const chunk of createReadStream(file, { highWaterMark: 32 * 1024 })) hand(splitter.push(chunk));
hand(splitter.end());
const { incomplete } = await scanner.finish();
if (incomplete !== null) throw new Error(incomplete);
