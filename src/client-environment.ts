/** The variables of `optml env`: what a client of the endpoint needs, and nothing else. */
import type { Home } from './journal/home.js';
import { homeKeys } from './journal/home-keys.js';
import { runningEndpoint } from './journal/running-endpoint.js';
import { sdkConfig } from './journal/sdk-config.js';
import type { Settings } from './settings.js';

export async function clientEnvironment(
  home: Home,
  { region, port, account }: Pick<Settings, 'region' | 'port' | 'account'>,
): Promise<Record<string, string>> {
  const { accessKeyId, secretAccessKey } = await homeKeys(home);
  return {
    AWS_ENDPOINT_URL: (await runningEndpoint(home)) ?? `http://127.0.0.1:${port}`,
    AWS_ACCESS_KEY_ID: accessKeyId,
    AWS_SECRET_ACCESS_KEY: secretAccessKey,
    AWS_REGION: region,
    AWS_DEFAULT_REGION: region,
    SAGEMAKER_USER_CONFIG_OVERRIDE: await sdkConfig(home, `sagemaker-${region}-${account}`),
  };
}
