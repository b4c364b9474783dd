import { describe, expect, test } from 'vitest';
import { settle } from '../../support/fake-clock.js';
import { AT_ONCE, breakOff, Origin, redial } from '../../support/tabs.js';

describe('sharing', () => {
  test('tabs with the same address and options have one transport, and the second opens at once', async () => {
    const origin = new Origin();
    const tabs = [await origin.open(), await origin.open()];
    expect(tabs.map(({ client }) => client.state)).toEqual(['open', 'open']);
    expect(origin.platform.transports).toHaveLength(1);
  });

  test('tabs share a connection although their inbox, outbox and onMessage differ', async () => {
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
  ])('%s has a transport of its own', async (_what, options) => {
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

describe('the address function', () => {
  test('is called in a tab, before every attempt', async () => {
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

  test('of another tab is called when the first tab is closed', async () => {
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

  test('that throws makes connect() reject with the original cause', async () => {
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
