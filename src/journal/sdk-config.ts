/** A config file for the SageMaker Python SDKs, which ask STS past every endpoint for their default bucket otherwise. */
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Home } from './home.js';

/** Gives the path of the file; SAGEMAKER_USER_CONFIG_OVERRIDE names it. It also switches the SDKs' usage pings off. */
export async function sdkConfig(home: Home, bucket: string): Promise<string> {
  const path = join(home.folder, 'sagemaker-sdk.yaml');
  const lines = [
    "SchemaVersion: '1.0'",
    'SageMaker:',
    '  PythonSDK:',
    '    Modules:',
    '      TelemetryOptOut: true',
    '      Session:',
    `        DefaultS3Bucket: ${bucket}`,
    '',
  ];
  await writeFile(path, lines.join('\n'), { mode: 0o600 });
  return path;
}
