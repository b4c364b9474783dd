import { connect } from '../../../src/entry/node.js';
import { readLate } from './late-reader.js';
import { say } from './say.js';

const [, , address = ''] = process.argv;

const client = await connect(address, { type: 'insecure', reconnect: false });
const read = await readLate(client);
await say('done', { ...read, end: await client.close() });
process.disconnect?.();
