import { describe, expect, test } from 'vitest';
import { settle } from '../../support/fake-clock.js';
import { record } from '../../support/memory-client.js';
import { AT_ONCE, Origin } from '../../support/tabs.js';

describe('closing', () => {
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

  test('a tab that joins while the last one closes has a new connection', async () => {
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

  test('a tab that ends without notice is detected by its lock', async () => {
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

  test('a worker that was busy reads the last posts of a tab before it takes the tab for gone', async () => {
    const origin = new Origin();
    const one = await origin.open();
    await settle();
    const port = origin.workerPort;
    port.isFrozen = true; // the posts are queued behind the work
    void one.client.close(4001, 'bye');
    await settle();
    one.crash();
    origin.platform.clock.jump(5_000);
    await origin.platform.clock.advance(0);
    port.thaw();
    await settle();
    expect(origin.platform.transport.closedWith).toEqual({ code: 4001, reason: 'bye' });
  });

  test('the server’s close is reported to every tab', async () => {
    const origin = new Origin();
    const tabs = [await origin.open(), await origin.open()];
    origin.platform.transport.closeFromPeer(1000, 'enough');
    await settle();
    for (const { client } of tabs) expect(client.getMessage()).toEqual({ closeCode: 1000, reason: 'enough', wasClean: true });
  });

  test('messages that are received before the close are read before it', async () => {
    const origin = new Origin();
    const { client } = await origin.open();
    origin.platform.transport.deliver('last');
    origin.platform.transport.closeFromPeer(1000);
    await settle();
    expect([client.getMessage(), client.getMessage()]).toEqual([{ message: 'last' }, { closeCode: 1000, reason: '', wasClean: true }]);
  });
});

describe('the lifecycle of the page', () => {
  test('a hidden page leaves, joins again when it is visible, and gets a report of the messages that it missed', async () => {
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

  test('the last page that is hidden closes the connection to the server', async () => {
    const origin = new Origin();
    const page = await origin.open();
    page.client.sendMessage('as late as can be');
    page.platform.fire('suspended');
    expect([origin.platform.transport.sent, origin.platform.transport.closedWith]).toEqual([
      ['as late as can be'],
      { code: 1001, reason: 'page hidden' },
    ]);
  });

  test('a page that does not reconnect is closed when it is hidden', async () => {
    const page = await new Origin().open({ reconnect: false });
    page.platform.fire('suspended');
    expect(page.client.getMessage()).toEqual({ closeCode: 1001, reason: 'page hidden', wasClean: false });
  });
});

describe('without a worker', () => {
  test('that answers, a tab has a socket of its own after 5 s, and sends its messages there', async () => {
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

  test('the page closes the socket when it is hidden, and dials again when it is visible', async () => {
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

  test('after a hidden page, close() resolves when the worker does not start, and dials nothing', async () => {
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
