import { describe, expect, test } from 'vitest';
import { WebsocketError } from '../../../src/core/errors.js';
import type { ReconnectAttempt } from '../../../src/core/types.js';
import { settle } from '../../support/fake-clock.js';
import { record } from '../../support/memory-client.js';
import { AT_ONCE, breakOff, Origin, redial } from '../../support/tabs.js';

describe('disconnects', () => {
  test('are reported to every tab, and all tabs reconnect together', async () => {
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

  test('a new tab makes a waiting connection reconnect at once', async () => {
    const origin = new Origin();
    const patient = { reconnect: { minDelayMs: 3_600_000, maxDelayMs: 3_600_000 } };
    const { client } = await origin.open(patient);
    await breakOff(origin);
    expect(client.state).toBe('reconnecting');
    await origin.open(patient);
    expect([client.state, origin.platform.transports.length]).toEqual(['open', 2]);
  });

  test('retryNow() of one tab makes the connection of all tabs reconnect at once', async () => {
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

  test('a worker that dies is replaced, and the receipt says that the loss is unknown', async () => {
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

  test('messages that a dying worker had not handed to the network are sent by the next one, once and in order', async () => {
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

  test('messages that a dying worker had not handed on are sent by the next one, also if the page is hidden meanwhile', async () => {
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

  test('messages that a dying worker had not handed to the network count as unsent in a tab that does not reconnect', async () => {
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

  test.each([true, false])('messages that never left are reported as unsent once, with a worker: %s', async (hasWorker) => {
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
