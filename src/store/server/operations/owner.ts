/** All that is here belongs to one account. */

import { element, join } from '../write-xml.js';

const NAMED = join([element('ID', 'optml'), element('DisplayName', 'optml')]);

export const OWNER = element('Owner', NAMED);
export const INITIATOR = element('Initiator', NAMED);
