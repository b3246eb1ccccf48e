/** Once before all tests: what several files need, and would make side by side. */
import { pythonClients } from '../store/clients.js';

export function setup(): void {
  for (const age of ['new', 'mxnet'] as const)
    try {
      pythonClients(age);
    } catch {
      // The tests that need them try again, and fail by name.
    }
}
