import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { propertyBudget } from '../support/budget.js';
import { Play } from './support/play.js';
import { endings, schedules } from './support/schedule.js';
import { World } from './support/world.js';

/** Small bounds, so that short schedules reach all of them. */
const small = {
  windowBytes: 900,
  replayBytes: 3_600,
  chunkBytes: 100,
  transportMarkBytes: 300,
  maxMessageBytes: 16_384,
  outbox: { highWaterBytes: 2_000, maxBytes: 6_000 },
};

/** Most leave with the turn, as by default. */
const batchDelayMs = fc.constantFrom(0, 0, 0, 7);

describe('a session under any schedule', () => {
  it('delivers every message to both applications, once and in order', { timeout: 3_600_000 }, async () => {
    const seen = { runs: 0, resumed: 0, cables: 0, messages: 0 };
    // Asynchronous so that microtasks run between schedules: those that wait would hold each world until the end.
    await fc.assert(
      fc.asyncProperty(
        schedules,
        endings,
        batchDelayMs,
        batchDelayMs,
        fc.boolean(),
        async (moves, ending, clientDelayMs, serverDelayMs, isPaced) => {
          const world = new World({
            client: { ...small, batchDelayMs: clientDelayMs },
            server: { ...small, batchDelayMs: serverDelayMs },
            registry: { resumeWindowMs: 1e12 },
            // Longer than the cuts of any ending.
            options: { closeTimeoutMs: 60_000 },
            isPaced,
          }).open();
          const play = new Play(world).run(moves);
          const { client, server } = play;
          expect(world.serverClients).toHaveLength(1);
          expect([world.client.state, world.serverClient.state]).toEqual(['open', 'open']);
          expect(server.read).toEqual(client.sent);
          expect(client.read).toEqual(server.sent);
          expect(client.receipts).not.toContain(false);
          expect([client.undelivered, server.undelivered]).toEqual([[], []]);
          play.end(ending);
          // Who closed and never heard that it arrived waits as long as it may.
          world.pass(60_000);
          expect([world.client.state, world.serverClient.state]).toEqual(['closed', 'closed']);
          expect(world.serverClients).toHaveLength(1);
          // All from who closes, before its goodbye. The other may have sent what nobody read any more.
          const [closer, peer] = ending.closer === 'client' ? [client, server] : [server, client];
          expect(peer.read).toEqual(closer.sent);
          expect(closer.read).toEqual(peer.sent.slice(0, closer.read.length));
          seen.runs += 1;
          seen.resumed += client.receipts.length;
          seen.cables += world.cables.length;
          seen.messages += client.sent.length + server.sent.length;
        },
      ),
      propertyBudget('GEM_SCHEDULES', 6_000),
    );
    // The schedules must be hard ones, or the property says little.
    expect(seen.resumed).toBeGreaterThan(seen.runs / 4);
    expect(seen.messages).toBeGreaterThan(seen.runs * 3);
  });
});
