/** Every client against one store. */

import type { S3Address } from '../store/server-program.js';
import { boto3Suite } from './boto3-suite.js';
import { cliSuite } from './cli-suite.js';
import { sdkSuite } from './sdk-suite.js';
import { everyFaultIsJudged, type StoreName } from './subject.js';

export function clientsSuite(subject: { readonly name: StoreName; readonly address: () => S3Address }): void {
  sdkSuite(subject);
  boto3Suite(subject);
  cliSuite(subject);
  everyFaultIsJudged(subject.name);
}
