import { describe, expect, test } from 'vitest';
import { WebsocketError } from '../../../src/core/errors.js';
import type { Continuity, ReconnectAttempt } from '../../../src/core/types.js';
import { settle } from '../../support/fake-clock.js';
import { record } from '../../support/memory-client.js';
import { Origin } from '../../support/tabs.js';

const AT_ONCE = { minDelayMs: 1, maxDelayMs: 1 };

async function breakOff(origin: Origin): Promise<void> {
  origin.platform.transport.breakOff();
  await settle();
}

/** The worker's next attempt begins. */
async function redial(origin: Origin): Promise<void> {
  await origin.platform.clock.advance(1);
  await settle();
}

describe('who shares', () => {
  test('tabs with the same address and options have one wire, and the second opens at once', async () => {
    const origin = new Origin();
    const tabs = [await origin.open(), await origin.open()];
    expect(tabs.map(({ client }) => client.state)).toEqual(['open', 'open']);
    expect(origin.platform.transports).toHaveLength(1);
  });

  test('what is only the tab’s own does not part them', async () => {
    const origin = new Origin();
    await origin.open({ inbox: { maxMessages: 1 }, outbox: { maxBytes: 10 }, onMessage: () => {} });
    await origin.open();
    expect(origin.platform.transports).toHaveLength(1);
  });

  test.each([
    ['another address', { address: 'wss://example.com/other' }],
    ['another option', { maxMessageBytes: 1 }],
    ['a name', { key: 'ada' }],
    ['an address function, which is shared with nobody', { address: () => 'wss://example.com/game' }],
  ])('%s has a wire of its own', async (_what, options) => {
    const origin = new Origin();
    await origin.open();
    await origin.open(options);
    expect(origin.platform.transports).toHaveLength(2);
  });

  test('address functions share by name', async () => {
    const origin = new Origin();
    await origin.open({ key: 'ada', address: () => 'wss://example.com/?token=1' });
    await origin.open({ key: 'ada', address: () => 'wss://example.com/?token=2' });
    expect(origin.platform.transports).toHaveLength(1);
  });
});

describe('messages', () => {
  test('what is received is received by all, and what each sends is sent in its order', async () => {
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

  test('bytes that the network has not taken are counted in their tab, which is asked to wait', async () => {
    const origin = new Origin();
    const { client } = await origin.open({ outbox: { highWaterBytes: 100_000 } });
    origin.platform.transport.isCongested = true;
    const big = 'x'.repeat(70_000);
    for (let count = 0; count < 4; count++) client.sendMessage(big);
    await settle();
    // One is the wire's, one waits in the worker, and two in the tab.
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

  test('a break takes nothing off what waits in the worker, and nobody is told that it has drained', async () => {
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

  test('an inbox that is full ends its tab alone', async () => {
    const origin = new Origin();
    const [sleeps, reads] = [await origin.open({ inbox: { maxMessages: 1 } }), await origin.open({ onMessage: () => {} })];
    const lines = record(sleeps.client, { withMessages: false });
    origin.platform.transport.deliver('1', '2', '3');
    await settle();
    expect(lines).toEqual(['state open -> closed', 'error INBOX_FULL', 'close 4408 INBOX_FULL (unclean)']);
    expect([reads.client.state, reads.client.stats.messagesReceived, origin.platform.transport.isLive]).toEqual(['open', 3, true]);
  });

  test('a tab that hangs is left behind over its bound, costs no more memory, and comes back to be told what it missed', async () => {
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

describe('leaving', () => {
  test('close() of one resolves to its own code; that of the last is the connection’s', async () => {
    const origin = new Origin();
    const [one, two] = [await origin.open(), await origin.open()];
    expect(await one.client.close(4001, 'bye')).toEqual({ code: 4001, reason: 'bye', wasClean: true });
    expect([two.client.state, origin.platform.transport.closedWith]).toEqual(['open', undefined]);
    expect(await two.client.close(4002, 'over')).toEqual({ code: 4002, reason: 'over', wasClean: true });
    expect(origin.platform.transport.closedWith).toEqual({ code: 4002, reason: 'over' });
  });

  test('close() of one waits until all that it sent is handed on', async () => {
    const origin = new Origin();
    const [one] = [await origin.open(), await origin.open()];
    const { transport } = origin.platform;
    transport.isCongested = true;
    const lines = record(one.client);
    for (let count = 0; count < 3; count++) one.client.sendMessage('x'.repeat(70_000));
    void one.client.close(4001, 'bye');
    await settle();
    expect([one.client.state, transport.sent.length]).toEqual(['closing', 1]);
    for (let count = 0; count < 2; count++) {
      transport.flush();
      await settle();
    }
    expect([transport.sent.length, lines]).toEqual([3, ['state open -> closing', 'state closing -> closed', 'close 4001 bye']]);
  });

  test('all that the last one sent goes before the close frame', async () => {
    const origin = new Origin();
    const { client } = await origin.open();
    for (let count = 0; count < 1000; count++) client.sendMessage('x'.repeat(1000));
    await client.close();
    expect(origin.platform.transport.sent).toHaveLength(1000);
  });

  test('who comes while the last one closes has a new connection', async () => {
    const origin = new Origin();
    const { client } = await origin.open();
    origin.platform.transport.answersClose = false;
    const closing = client.close();
    await settle();
    const next = await origin.open();
    expect([next.client.state, origin.platform.transports.length]).toEqual(['open', 2]);
    origin.platform.transports[0]?.closeFromPeer();
    await closing;
    expect(next.client.state).toBe('open');
  });

  test('a tab that is gone without a word is noticed by its lock', async () => {
    const origin = new Origin();
    const [one, two] = [await origin.open(), await origin.open()];
    await settle();
    one.client.sendMessage('last words');
    one.crash();
    await origin.platform.clock.advance(1_000);
    expect([two.client.state, origin.platform.transport.sent]).toEqual(['open', ['last words']]);
    two.crash();
    await origin.platform.clock.advance(1_000);
    expect(origin.platform.transport.closedWith).toEqual({ code: 1001, reason: 'tab gone' });
  });

  test('the server’s close is told to all', async () => {
    const origin = new Origin();
    const tabs = [await origin.open(), await origin.open()];
    origin.platform.transport.closeFromPeer(1000, 'enough');
    await settle();
    for (const { client } of tabs) expect(client.getMessage()).toEqual({ closeCode: 1000, reason: 'enough', wasClean: true });
  });

  test('messages before the end come before it', async () => {
    const origin = new Origin();
    const { client } = await origin.open();
    origin.platform.transport.deliver('last');
    origin.platform.transport.closeFromPeer(1000);
    await settle();
    expect([client.getMessage(), client.getMessage()]).toEqual([{ message: 'last' }, { closeCode: 1000, reason: '', wasClean: true }]);
  });
});

describe('breaks', () => {
  test('are told to all alike, and mended for all', async () => {
    const origin = new Origin();
    const tabs = [await origin.open({ reconnect: AT_ONCE }), await origin.open({ reconnect: AT_ONCE })];
    const lines = tabs.map(({ client }) => record(client));
    await breakOff(origin);
    for (const { client } of tabs) client.sendMessage('waits');
    expect(tabs.map(({ client }) => client.bufferedBytes)).toEqual([5, 5]);
    await redial(origin);
    origin.platform.transport.accept();
    origin.platform.transport.deliver('new');
    await settle();
    const told = ['state open -> reconnecting', 'reconnecting 1', 'state reconnecting -> open', 'reconnected', 'message new'];
    expect(lines).toEqual([told, told]);
    expect([origin.platform.transports.length, origin.platform.transport.sent]).toEqual([2, ['waits', 'waits']]);
  });

  test('a new tab makes a waiting connection try at once', async () => {
    const origin = new Origin();
    const patient = { reconnect: { minDelayMs: 3_600_000, maxDelayMs: 3_600_000 } };
    const { client } = await origin.open(patient);
    await breakOff(origin);
    expect(client.state).toBe('reconnecting');
    await origin.open(patient);
    expect([client.state, origin.platform.transports.length]).toEqual(['open', 2]);
  });

  test('retryNow() of one tab makes the connection of all try at once', async () => {
    const origin = new Origin();
    const patient = { reconnect: { minDelayMs: 3_600_000, maxDelayMs: 3_600_000 } };
    const tabs = [await origin.open(patient), await origin.open(patient)];
    await breakOff(origin);
    tabs[1]?.client.retryNow();
    await settle();
    expect(origin.platform.transports).toHaveLength(2);
    origin.platform.transport.accept();
    await settle();
    expect(tabs.map(({ client }) => client.state)).toEqual(['open', 'open']);
  });

  test('retryNow() of a tab whose worker died starts the next worker at once', async () => {
    const origin = new Origin();
    const { client, platform } = await origin.open({ reconnect: { minDelayMs: 3_600_000, maxDelayMs: 3_600_000 } });
    await settle();
    origin.killWorker();
    await platform.clock.advance(250);
    expect(origin.platform.transports).toHaveLength(0);
    client.retryNow();
    await settle();
    origin.platform.transport.accept();
    await settle();
    expect(client.state).toBe('open');
  });

  test('a first attempt that fails ends connect() and not the bus', async () => {
    const origin = new Origin();
    const [impatient, patient] = [origin.tab({ reconnect: AT_ONCE }), origin.tab({ reconnect: AT_ONCE, retryFirstAttempt: true })];
    const attempts: ReconnectAttempt[] = [];
    patient.client.on('reconnecting', (attempt) => attempts.push(attempt));
    const rejected = expect(impatient.client.connect()).rejects.toMatchObject({ code: 'CONNECT_FAILED', context: { status: 503 } });
    patient.client.connect().catch(() => {});
    await settle();
    origin.platform.transport.refuse(new WebsocketError('CONNECT_FAILED', 'Refused.', { status: 503 }));
    await rejected;
    expect([impatient.client.state, patient.client.state, attempts.length]).toEqual(['closed', 'reconnecting', 1]);
    await redial(origin);
    origin.platform.transport.accept();
    await settle();
    expect(patient.client.state).toBe('open');
  });

  test('a worker that dies is replaced, and the tab is told that nobody knows what was lost', async () => {
    const origin = new Origin();
    const { client, platform } = await origin.open({ reconnect: AT_ONCE });
    await settle();
    let receipt: unknown;
    client.on('reconnected', (continuity) => {
      receipt = continuity;
    });
    origin.killWorker();
    // For what the worker posted before it died.
    await platform.clock.advance(250);
    expect(client.state).toBe('reconnecting');
    await platform.clock.advance(1);
    origin.platform.transport.accept();
    await settle();
    expect([client.state, receipt]).toEqual(['open', expect.objectContaining({ resumed: false, lost: undefined })]);
  });

  test('what a worker that dies had not handed to the network is sent by the next one, once and in order', async () => {
    const origin = new Origin();
    const { client, platform } = await origin.open({ reconnect: AT_ONCE });
    const { transport } = origin.platform;
    transport.isCongested = true;
    const texts = ['a', 'b', 'c', 'd'].map((letter) => letter.repeat(50_000));
    for (const text of texts) client.sendMessage(text);
    await settle();
    expect(client.stats.messagesSent).toBe(transport.sent.length);
    origin.killWorker();
    client.sendMessage('e');
    await platform.clock.advance(251);
    origin.platform.transport.accept();
    await settle();
    expect(origin.platform.transport).not.toBe(transport);
    expect([...transport.sent, ...origin.platform.transport.sent]).toEqual([...texts, 'e']);
    expect([client.stats.messagesSent, client.bufferedBytes]).toEqual([5, 0]);
  });

  test('what a worker that dies had not handed on is sent by the next one, also where the page is hidden meanwhile', async () => {
    const origin = new Origin();
    const { client, platform } = await origin.open({ reconnect: AT_ONCE });
    const { transport } = origin.platform;
    transport.isCongested = true;
    const texts = ['a', 'b', 'c'].map((letter) => letter.repeat(50_000));
    for (const text of texts) client.sendMessage(text);
    await settle();
    origin.killWorker();
    await platform.clock.advance(250);
    platform.fire('suspended');
    platform.fire('woken');
    await settle();
    origin.platform.transport.accept();
    await settle();
    expect([...transport.sent, ...origin.platform.transport.sent]).toEqual(texts);
  });

  test('what a worker that dies had not handed to the network is counted as unsent by a tab that does not reconnect', async () => {
    const origin = new Origin();
    const { client, platform } = await origin.open({ reconnect: false });
    let unsent: unknown;
    client.on('error', ({ code, context }) => {
      unsent = [code, context.messages];
    });
    origin.platform.transport.isCongested = true;
    for (let count = 0; count < 4; count++) client.sendMessage('x'.repeat(50_000));
    await settle();
    const { sent } = origin.platform.transport;
    origin.killWorker();
    await platform.clock.advance(250);
    expect([client.state, unsent]).toEqual(['closed', ['UNSENT', 4 - sent.length]]);
  });

  test.each([true, false])('what never left is reported as unsent once, with a worker: %s', async (hasWorker) => {
    const origin = new Origin();
    origin.hasWorker = hasWorker;
    const { client, platform } = origin.tab();
    const errors: unknown[] = [];
    client.on('error', ({ code, context }) => errors.push([code, context.messages]));
    client.connect().catch(() => {});
    client.sendMessage('a');
    if (!hasWorker) await platform.clock.advance(5_000);
    await client.close();
    await settle();
    expect(errors).toEqual([['UNSENT', 1]]);
  });
});

describe('the address function', () => {
  test('is asked in a tab, before every attempt', async () => {
    const origin = new Origin();
    let asked = 0;
    const nextAddress = async () => {
      asked += 1;
      return `wss://example.com/?token=${asked}`;
    };
    const { client } = await origin.open({ reconnect: AT_ONCE, address: nextAddress });
    await breakOff(origin);
    await redial(origin);
    origin.platform.transport.accept();
    await settle();
    expect(client.state).toBe('open');
    expect(origin.platform.transports.map(({ request }) => request.url.search)).toEqual(['?token=1', '?token=2']);
  });

  test('of another tab is asked when the first one asked is gone', async () => {
    const origin = new Origin();
    const options = { reconnect: AT_ONCE, key: 'ada' };
    let isAsked = false;
    const first = origin.tab({
      ...options,
      address: () => {
        isAsked = true;
        return new Promise(() => {});
      },
    });
    first.client.connect().catch(() => {});
    await settle();
    const second = origin.tab({ ...options, address: () => 'wss://example.com/second' });
    second.client.connect().catch(() => {});
    await settle();
    expect([isAsked, origin.platform.transports.length]).toEqual([true, 0]);
    await first.client.close();
    await settle();
    expect(origin.platform.transport.request.url.pathname).toBe('/second');
  });

  test('that throws rejects with the very cause', async () => {
    const cause = new Error('no token today');
    const { client } = new Origin().tab({
      address: () => {
        throw cause;
      },
    });
    const error = await client.connect().catch((reason: unknown) => reason);
    expect(error).toMatchObject({ code: 'CONNECT_FAILED' });
    expect((error as Error).cause).toBe(cause);
  });
});

describe('the life of the page', () => {
  test('hidden it leaves, shown it joins again, and is told how much it missed', async () => {
    const origin = new Origin();
    const [page, other] = [await origin.open({ reconnect: AT_ONCE }), await origin.open({ reconnect: AT_ONCE })];
    const lines = record(page.client);
    const receipts: unknown[] = [];
    page.client.on('reconnected', (continuity) => receipts.push(continuity));
    page.platform.fire('suspended');
    page.client.sendMessage('waits');
    await settle();
    origin.platform.transport.deliver('1', '2');
    await settle();
    page.platform.fire('woken');
    await settle();
    origin.platform.transport.deliver('3');
    await settle();
    expect(lines).toEqual(['state open -> reconnecting', 'reconnecting 1', 'state reconnecting -> open', 'reconnected', 'message 3']);
    expect(receipts).toEqual([expect.objectContaining({ resumed: false, lost: 2, lostFromPeer: 2 })]);
    expect([other.client.state, origin.platform.transports.length, origin.platform.transport.sent]).toEqual(['open', 1, ['waits']]);
  });

  test('the last one that is hidden says goodbye to the server', async () => {
    const origin = new Origin();
    const page = await origin.open();
    page.client.sendMessage('as late as can be');
    page.platform.fire('suspended');
    expect([origin.platform.transport.sent, origin.platform.transport.closedWith]).toEqual([
      ['as late as can be'],
      { code: 1001, reason: 'page hidden' },
    ]);
  });

  test('without reconnecting, hiding it is the end', async () => {
    const page = await new Origin().open({ reconnect: false });
    page.platform.fire('suspended');
    expect(page.client.getMessage()).toEqual({ closeCode: 1001, reason: 'page hidden', wasClean: false });
  });
});

describe('without a worker', () => {
  test('that answers, a tab has a socket of its own after 5 s, and loses nothing by it', async () => {
    const origin = new Origin();
    origin.hasWorker = false;
    const { client, platform } = origin.tab({ retryFirstAttempt: true });
    const connected = client.connect();
    client.sendMessage('patience');
    await platform.clock.advance(4_999);
    expect(platform.transports).toHaveLength(0);
    await platform.clock.advance(1);
    platform.transport.accept();
    await connected;
    await settle();
    expect([platform.transport.sent, origin.platform.transports.length]).toEqual([['patience'], 0]);
  });

  test('its page closes the socket when it is hidden, and dials again when it is shown', async () => {
    const origin = new Origin();
    origin.hasWorker = false;
    const { client, platform } = origin.tab({ reconnect: AT_ONCE });
    const connected = client.connect();
    await platform.clock.advance(5_000);
    platform.transport.accept();
    await connected;
    platform.fire('suspended');
    await settle();
    expect([client.state, platform.transport.detachedWith?.code]).toEqual(['reconnecting', 1001]);
    platform.fire('woken');
    await settle();
    platform.transport.accept();
    await settle();
    expect([client.state, platform.transports.length]).toEqual(['open', 2]);
  });

  test('that comes back, close() ends when it is given up, and dials nothing', async () => {
    const origin = new Origin();
    const { client, platform } = await origin.open({ hasSession: true, reconnect: AT_ONCE });
    platform.fire('suspended');
    await settle();
    origin.hasWorker = false;
    platform.fire('woken');
    const closing = client.close(4001, 'bye');
    await platform.clock.advance(5_000);
    await platform.clock.advance(60_000);
    expect([client.state, platform.transports.length]).toEqual(['closed', 0]);
    expect(await closing).toMatchObject({ code: 1006, wasClean: false });
  });
});
