import { connect } from '../../../src/entry/node.js';
import { session } from '../../../src/entry/session.js';
import { hear, say } from './say.js';

/** Opens a session, reads nothing until it is told to, then reads all; tells what memory that took. */
const [, , address = ''] = process.argv;

const client = await connect(address, { type: 'insecure', session: session() });
globalThis.gc?.();
const before = process.memoryUsage.rss();
let peak = before;
const sampling = setInterval(() => {
  peak = Math.max(peak, process.memoryUsage.rss());
}, 20);
await say('open');

await hear();
globalThis.gc?.();
await say('stopped', { grownBytes: process.memoryUsage.rss() - before, rttMs: client.stats.rttMs });

let next = 0;
let isInOrder = true;
for await (const message of client) {
  if (typeof message === 'string') break;
  isInOrder &&= new DataView(message.buffer).getUint32(0) === next;
  next += 1;
}
clearInterval(sampling);
await say('done', { messages: next, isInOrder, peakGrownBytes: peak - before });
await client.close();
process.disconnect?.();
