import type { IWebsocketClient } from '../../../src/entry/node.js';
import { hear, say } from './say.js';

interface Read {
  readonly messages: number;
  readonly bytes: number;
  readonly isInOrder: boolean;
  readonly peakGrownBytes: number;
}

/** Reads nothing until requested, then all numbered messages up to the end or a text; reports the memory that it took. */
export async function readLate(client: IWebsocketClient): Promise<Read> {
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

  let [messages, bytes, isInOrder] = [0, 0, true];
  for await (const message of client) {
    if (typeof message === 'string') break;
    isInOrder &&= new DataView(message.buffer).getUint32(0) === messages;
    messages += 1;
    bytes += message.byteLength;
  }
  clearInterval(sampling);
  return { messages, bytes, isInOrder, peakGrownBytes: peak - before };
}
