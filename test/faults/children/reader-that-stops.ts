import { connect } from '../../../src/entry/node.js';
import { hear, say } from './say.js';

/** Opens a connection, reads nothing until it is told to, then reads all; tells what memory that took. */
const [, , address = ''] = process.argv;

const client = await connect(address, { type: 'insecure', reconnect: false });
globalThis.gc?.();
const before = process.memoryUsage.rss();
let peak = before;
const sampling = setInterval(() => {
  peak = Math.max(peak, process.memoryUsage.rss());
}, 20);
await say('open');

await hear();
globalThis.gc?.();
await say('stopped', { grownBytes: process.memoryUsage.rss() - before });

let bytes = 0;
let next = 0;
let isInOrder = true;
for await (const message of client) {
  if (typeof message === 'string') throw new Error('only bytes were expected');
  isInOrder &&= new DataView(message.buffer).getUint32(0) === next;
  next += 1;
  bytes += message.byteLength;
}
clearInterval(sampling);
await say('done', { bytes, isInOrder, peakGrownBytes: peak - before, end: await client.close() });
process.disconnect?.();
