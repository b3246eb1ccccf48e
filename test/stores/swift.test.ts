import { describe } from 'vitest';
import { clientsSuite } from './clients-suite.js';
import { jobSuite } from './job-suite.js';
import { serverJobStore } from './job-store.js';
import { portSuite } from './port-suite.js';
import { foundServer } from './subject.js';

const server = foundServer('Swift');

describe('Swift', () => {
  portSuite({ name: 'Swift', address: () => server });
  clientsSuite({ name: 'Swift', address: () => server });
  jobSuite({ openStore: () => serverJobStore(server), isServer: true });
});
