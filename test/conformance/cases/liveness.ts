import { assert, equal, throwsAtOnce } from '../assert.js';
import { AT_ONCE, after, next, nextMessage, until } from '../bench.js';
import { test } from '../case.js';

export const livenessCases = [
  test(
    'liveness: a link that goes dark is LINK_DEAD within pingMs + timeoutMs, and reconnected',
    async (bench) => {
      const liveness = { pingMs: bench.limit(200), timeoutMs: bench.limit(200) };
      const client = await bench.connect('/echo', {}, { liveness, reconnect: AT_ONCE });
      const [dead, reconnected] = [next(client, 'error'), next(client, 'reconnected')];
      const startedAt = Date.now();
      await bench.command({ silence: true });
      const [error] = await dead;
      const tookMs = Date.now() - startedAt;
      assert(tookMs >= 190 && tookMs < bench.limit(2_000), `the time to be about ${bench.limit(400)} ms, not ${tookMs}`);
      equal([error.code, Number(error.context.silentMs) >= 200], ['LINK_DEAD', true], 'the error');
      await reconnected;
      client.sendMessage('alive');
      equal(await nextMessage(client), 'alive', 'the echo on the new link');
    },
    'hasPing',
  ),
  test(
    'liveness: a link that is silent and alive is pinged, measured, and kept',
    async (bench) => {
      const client = await bench.connect('/sink', {}, { liveness: { pingMs: 20, timeoutMs: 5_000 } });
      await until(() => client.stats.rttMs !== undefined);
      assert((client.stats.rttMs ?? -1) >= 0, 'a round trip');
      assert(((await bench.log()).connections[0]?.pings ?? 0) >= 1, 'the server to have seen a ping');
      equal(client.state, 'open', 'the state');
    },
    'hasPing',
  ),
  test(
    'liveness: false sends no pings',
    async (bench) => {
      const client = await bench.connect('/echo', {}, { liveness: false });
      await after(100);
      equal([(await bench.log()).connections[0]?.pings, client.stats.rttMs], [0, undefined], 'the pings and the round trip');
    },
    'hasPing',
  ),
  test(
    'liveness: this platform has no ping, so a silent link is kept and its round trip unknown',
    async (bench) => {
      const client = await bench.connect('/echo', {}, { liveness: { pingMs: 20, timeoutMs: 20 }, reconnect: AT_ONCE, closeTimeoutMs: 100 });
      await bench.command({ silence: true });
      await after(300);
      equal([client.state, client.stats.rttMs, (await bench.log()).attempts], ['open', undefined, 1], 'the client');
    },
    'not hasPing',
  ),
  test('options: a bound that is no number over 0 is INVALID_OPTION, at the call', ({ gemsocket }) => {
    const bad = [
      { connectTimeoutMs: 0 },
      { closeTimeoutMs: -1 },
      { maxMessageBytes: Number.NaN },
      { maxMessageBytes: '5' as never },
      { inbox: { maxMessages: 0 } },
      { inbox: { maxBytes: -5 } },
      { outbox: { highWaterBytes: 0 } },
      { outbox: { maxBytes: 0 } },
      { reconnect: { minDelayMs: 0 } },
      { reconnect: { maxDelayMs: Number.NaN } },
      { reconnect: { maxAttempts: 0 } },
      { liveness: { pingMs: 0 } },
      { liveness: { timeoutMs: -1 } },
    ];
    for (const options of bad) {
      const error = throwsAtOnce(() => new gemsocket.WebsocketClient('127.0.0.1', options), 'INVALID_OPTION');
      const [[name, value] = ['', undefined]] = Object.entries(options);
      const path = typeof value === 'object' ? `${name}.${Object.keys(value)[0]}` : name;
      equal(error.context.option, path, 'context.option');
    }
  }),
];
