import { connect } from '../../../src/entry/node.js';
import { session } from '../../../src/entry/session.js';
import { readLate } from './late-reader.js';
import { say } from './say.js';

const [, , address = ''] = process.argv;

const client = await connect(address, { type: 'insecure', session: session() });
await say('done', await readLate(client));
await client.close();
process.disconnect?.();
