import { expect, it } from 'vitest';
import { MAX_BATCH_BYTES } from '../../src/session/codec.js';
import { BareChannel } from './support/bare-channel.js';

/** What a link hands to its wire, as it is: the ranges of its slabs. */
function withBatches(): { bare: BareChannel; batches: Uint8Array[] } {
  const bare = new BareChannel({ chunkBytes: 16_384, replayBytes: 1_000_000, outbox: { highWaterBytes: 100_000, maxBytes: 1_000_000 } });
  const batches: Uint8Array[] = [];
  bare.end.send = (batch) => void batches.push(batch as Uint8Array);
  bare.receive(Uint8Array.of(0x49, 0xff, 0xff, 0xff, 0x7f)); // CREDIT
  return { bare, batches };
}

const ACK_1 = Uint8Array.of(0x18, 1);
const PING = Uint8Array.of(0x0a);

it('an idle connection that has sent much, and then answers pings, holds no slab', () => {
  const { bare, batches } = withBatches();
  bare.channel.send('x'.repeat(8_000), 8_000, 'reliable');
  bare.receive(PING);
  bare.receive(ACK_1);
  bare.receive(PING);
  bare.receive(PING);
  const [one, other] = batches.slice(-2);
  expect(one?.buffer).not.toBe(other?.buffer);
  expect(other?.buffer.byteLength).toBeLessThan(MAX_BATCH_BYTES / 16);
});

it('a disconnected session keeps no slab alive for a few unacknowledged bytes', () => {
  const { bare, batches } = withBatches();
  bare.channel.send('x'.repeat(8_000), 8_000, 'reliable');
  bare.receive(PING);
  bare.channel.send('small', 5, 'reliable');
  bare.receive(ACK_1);
  expect(batches.at(-1)?.buffer.byteLength).toBeGreaterThan(8_000);
  bare.channel.detach();
  bare.channel.attach(bare.end);
  bare.receive(Uint8Array.of(0x3f, 4, 1, 0)); // RESUMED, 1 received
  const again = batches.findLast((batch) => batch.length === 6 && batch[0] === 0x51);
  expect(again?.buffer.byteLength).toBe(6);
});
