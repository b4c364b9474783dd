import { listen, type ServerClient } from '../../../src/entry/server.js';
import { hear, say } from './say.js';

/** A server that sends its first client a given amount as fast as the client allows, and reports the memory that it took. */
const [, , total = '0', size = '0'] = process.argv;
const [totalBytes, messageBytes] = [Number(total), Number(size)];

// Any origin, because the browser test serves its page elsewhere.
const server = await listen('127.0.0.1', 0, { origins: '*' });
const arriving = new Promise<ServerClient>((resolve) => server.on('connection', resolve));
await say('listening', { port: server.port });
const client = await arriving;
globalThis.gc?.();
const before = process.memoryUsage.rss();
let peak = before;
setInterval(() => {
  peak = Math.max(peak, process.memoryUsage.rss());
}, 20).unref();

let sentBytes = 0;
const telling = setInterval(() => void say('progress', { sentBytes, grownBytes: peak - before, rttMs: client.stats.rttMs }), 100);
for (let number = 0; sentBytes < totalBytes; number++) {
  const message = new Uint8Array(messageBytes);
  new DataView(message.buffer).setUint32(0, number);
  sentBytes += messageBytes;
  if (!client.sendMessageBinary(message)) await client.drained();
}
client.sendMessage('all sent');
clearInterval(telling);
await say('sent', { sentBytes, grownBytes: peak - before });
await hear();
await server.close({ graceMs: 1_000 });
process.disconnect?.();
