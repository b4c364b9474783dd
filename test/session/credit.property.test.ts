import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { propertyBudget } from '../support/budget.js';
import { Application } from './support/application.js';
import { World } from './support/world.js';

/** Bounds that one record fits, and otherwise as awkward as can be. */
const bounds = fc
  .record({
    chunkBytes: fc.integer({ min: 10, max: 200 }),
    spareWindow: fc.nat({ max: 400 }),
    replayBytes: fc.integer({ min: 50, max: 1_800 }),
  })
  .map(({ chunkBytes, spareWindow, replayBytes }) => ({
    chunkBytes,
    replayBytes,
    // Three quarters hold the largest record of either side, as in the protocol's smallest window; a quarter may be withheld.
    windowBytes: 310 + spareWindow,
    maxMessageBytes: 16_384,
    outbox: { highWaterBytes: 100_000, maxBytes: 200_000 },
  }));

const side = fc.constantFrom('client' as const, 'server' as const);
const move = fc.oneof(
  { weight: 6, arbitrary: fc.record({ do: fc.constant('send' as const), side, bytes: fc.nat({ max: 2_000 }) }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constant('read' as const), side, count: fc.integer({ min: 1, max: 8 }) }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constant('settle' as const), side, ms: fc.nat({ max: 100 }) }) },
);

describe('credit', () => {
  it('never deadlocks: whatever the windows and the pace, a reader that continues gets everything', { timeout: 3_600_000 }, async () => {
    // Asynchronous so that microtasks run between schedules: those that wait would hold each world until the end.
    await fc.assert(
      fc.asyncProperty(bounds, bounds, fc.array(move, { maxLength: 60, size: 'max' }), async (clientBounds, serverBounds, moves) => {
        const world = new World({ client: clientBounds, server: serverBounds, options: { liveness: false } }).open();
        const client = new Application('client', world.client);
        const server = new Application('server', world.serverClient);
        const applications = { client, server };
        for (const step of moves) {
          if (step.do === 'send') applications[step.side].send(step.bytes, false);
          else if (step.do === 'read') applications[step.side].take(step.count);
          else world.pass(step.ms);
          expect(heldBytes(client)).toBeLessThanOrEqual(clientBounds.windowBytes + 3_000);
          expect(heldBytes(server)).toBeLessThanOrEqual(serverBounds.windowBytes + 3_000);
        }
        // One direction after the other: a reader that has stopped for good holds up nobody else.
        drain(world, server);
        expect(server.read).toEqual(client.sent);
        drain(world, client);
        expect(client.read).toEqual(server.sent);
        expect([client.end.bufferedBytes, server.end.bufferedBytes]).toEqual([0, 0]);
        expect(world.cables).toHaveLength(1);
      }),
      propertyBudget('GEM_SCHEDULES', 4_000),
    );
  });

  it('lets acknowledgements and pings through a direction without credit', () => {
    const world = new World({ options: { liveness: { pingMs: 1_000, timeoutMs: 1_000 } } }).open();
    const message = 'x'.repeat(10_000);
    for (let n = 0; n < 20; n++) {
      world.client.sendMessage(message);
      world.serverClient.sendMessage(message);
    }
    world.pass(60_000);
    expect(world.cables).toHaveLength(1);
    expect(world.client.stats.rttMs).toBeDefined();
    expect(world.client.bufferedBytes).toBeGreaterThan(100_000);
  });
});

function drain(world: World, application: Application): void {
  for (let quiet = 0; quiet < 10; quiet++) {
    world.pass(1_000);
    if (application.take() > 0) quiet = 0;
  }
}

function heldBytes({ end, read }: Application): number {
  const readBytes = read.reduce((sum, name) => sum + new TextEncoder().encode(name.replace(/ in binary$/, '')).length, 0);
  return end.stats.bytesReceived - readBytes;
}
