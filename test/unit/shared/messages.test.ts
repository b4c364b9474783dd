import { describe, expect, test } from 'vitest';
import type { Continuity } from '../../../src/core/types.js';
import { settle } from '../../support/fake-clock.js';
import { record } from '../../support/memory-client.js';
import { AT_ONCE, breakOff, Origin } from '../../support/tabs.js';

describe('messages', () => {
  test('every tab receives all messages, and the messages of each tab are sent in order', async () => {
    const origin = new Origin();
    const [one, two] = [await origin.open(), await origin.open()];
    origin.platform.transport.deliver('text', Uint8Array.of(1, 2));
    await settle();
    for (const { client } of [one, two]) {
      expect([client.getMessage(), client.getMessage()]).toEqual([{ message: 'text' }, { message: Uint8Array.of(1, 2) }]);
    }
    for (const text of ['1', '2', '3']) one.client.sendMessage(text);
    two.client.sendMessageBinary(Uint8Array.of(4));
    await settle();
    expect(origin.platform.transport.sent).toEqual(['1', '2', '3', Uint8Array.of(4)]);
    expect(one.client.stats).toMatchObject({ messagesSent: 3, messagesReceived: 2, bytesSent: 3 });
  });

  test('bytes that the network has not taken count in their tab, and its sends return false', async () => {
    const origin = new Origin();
    const { client } = await origin.open({ outbox: { highWaterBytes: 100_000 } });
    origin.platform.transport.isCongested = true;
    const big = 'x'.repeat(70_000);
    for (let count = 0; count < 4; count++) client.sendMessage(big);
    await settle();
    // The transport has one, one waits in the worker, and two in the tab.
    expect([origin.platform.transport.sent.length, client.bufferedBytes, client.sendMessage('more')]).toEqual([1, 210_000, false]);
    let isDrained = false;
    const drained = client.drained().then(() => {
      isDrained = true;
    });
    for (let count = 0; count < 3; count++) {
      expect(isDrained).toBe(false);
      origin.platform.transport.flush();
      await settle();
    }
    await drained;
    origin.platform.transport.flush();
    await settle();
    expect([origin.platform.transport.sent.length, client.bufferedBytes]).toEqual([5, 0]);
  });

  test('a disconnect leaves the bytes that wait in the worker counted, and drained() does not resolve', async () => {
    const origin = new Origin();
    const { client } = await origin.open({ outbox: { highWaterBytes: 100_000 } });
    origin.platform.transport.isCongested = true;
    for (let count = 0; count < 2; count++) client.sendMessage('x'.repeat(70_000));
    await settle();
    let isDrained = false;
    client.drained().then(
      () => {
        isDrained = true;
      },
      () => {},
    );
    await breakOff(origin);
    expect([client.state, client.bufferedBytes, isDrained]).toEqual(['reconnecting', 70_000, false]);
  });

  test('a full outbox throws in the tab', async () => {
    const { client } = await new Origin().open({ outbox: { maxBytes: 10 } });
    expect(() => client.sendMessage('more than ten')).toThrow(expect.objectContaining({ code: 'OUTBOX_FULL' }));
  });

  test('a full inbox closes its tab only', async () => {
    const origin = new Origin();
    const [sleeps, reads] = [await origin.open({ inbox: { maxMessages: 1 } }), await origin.open({ onMessage: () => {} })];
    const lines = record(sleeps.client, { withMessages: false });
    origin.platform.transport.deliver('1', '2', '3');
    await settle();
    expect(lines).toEqual(['state open -> closed', 'error INBOX_FULL', 'close 4408 INBOX_FULL (unclean)']);
    expect([reads.client.state, reads.client.stats.messagesReceived, origin.platform.transport.isLive]).toEqual(['open', 3, true]);
  });

  test('a tab that hangs misses messages over its bound, costs no more memory, and reconnects with a report of the missed ones', async () => {
    const origin = new Origin();
    const [hangs, lives] = [await origin.open({ onMessage: () => {}, reconnect: AT_ONCE }), await origin.open({ reconnect: AT_ONCE })];
    lives.client.on('message', () => {});
    const lines = record(hangs.client, { withMessages: false });
    let receipt: unknown;
    hangs.client.on('reconnected', (continuity) => {
      receipt = continuity;
    });
    hangs.port().isFrozen = true;
    const big = new Uint8Array(1024 * 1024);
    for (let count = 0; count < 40; count++) {
      origin.platform.transport.deliver(big);
      await settle();
    }
    expect([lives.client.state, lives.client.stats.messagesReceived]).toEqual(['open', 40]);
    hangs.port().thaw();
    await hangs.platform.clock.advance(1);
    await settle();
    expect(lines).toEqual(['state open -> reconnecting', 'reconnecting 1', 'state reconnecting -> open', 'reconnected']);
    expect(hangs.client.stats.messagesReceived).toBeLessThan(40);
    expect(receipt).toMatchObject({ resumed: false, lost: 40 - hangs.client.stats.messagesReceived });
    origin.platform.transport.deliver('for both');
    await settle();
    expect(hangs.client.stats.messagesReceived + (receipt as Continuity & { lost: number }).lost).toBe(41);
    expect(origin.platform.transports).toHaveLength(1);
  });
});
