import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { propertyBudget } from '../support/budget.js';
import type { Application } from './support/application.js';
import { Play } from './support/play.js';
import { habits, schedulesWithEnds } from './support/schedule.js';
import { World } from './support/world.js';

/** Small bounds, so that short schedules reach all of them. */
const small = {
  windowBytes: 900,
  replayBytes: 1_200,
  chunkBytes: 100,
  transportMarkBytes: 300,
  maxMessageBytes: 16_384,
  outbox: { highWaterBytes: 2_000, maxBytes: 6_000 },
};

/** How long, and whether at all, the server keeps a session for a client that is away. */
const patience = fc.oneof(
  { weight: 3, arbitrary: fc.constant({ resumeWindowMs: 1e12 }) },
  { weight: 2, arbitrary: fc.constant({ resumeWindowMs: 20_000 }) },
  { weight: 1, arbitrary: fc.constant({ resumeWindowMs: 1e12, maxDetachedBytes: 16_384 + 700 }) },
  { weight: 1, arbitrary: fc.constant({ resumeWindowMs: 1e12, maxDetached: 0 }) },
);

const side = fc.constantFrom('client' as const, 'server' as const);

describe('sessions that may end at any time', () => {
  it('account for every message: it is read once and in order, or its sender gets it back as undelivered', {
    timeout: 3_600_000,
  }, async () => {
    const seen = { runs: 0, resumed: 0, gone: 0, sessions: 0, read: 0, undelivered: 0, heard: 0 };
    // Asynchronous so that microtasks run between schedules: those that wait would hold each world until the end.
    await fc.assert(
      fc.asyncProperty(schedulesWithEnds, patience, habits, habits, side, async (moves, registry, ofClient, ofServer, first) => {
        const world = new World({ client: small, server: small, registry, options: { closeTimeoutMs: 60_000 } }).open();
        const { client, servers } = new Play(world, { client: ofClient, server: ofServer }).run(moves).endAll(first);
        const all = [client, ...servers];
        expect(all.map(({ end }) => end.state)).toEqual(all.map(() => 'closed'));
        expectAccounted(client, servers);
        for (const server of servers) expectAccounted(server, [client]);
        for (const { heard } of all) expect(new Set(heard).size).toBe(heard.length);
        seen.runs += 1;
        seen.sessions += servers.length;
        for (const { receipts, read, undelivered, heard } of all) {
          seen.resumed += receipts.filter(Boolean).length;
          seen.gone += receipts.filter((resumed) => !resumed).length;
          seen.read += read.length;
          seen.undelivered += undelivered.length;
          seen.heard += heard.length;
        }
      }),
      propertyBudget('GEM_SCHEDULES', 6_000),
    );
    // Those that end must not be over before anything happened.
    expect(seen.resumed).toBeGreaterThan(seen.runs / 4);
    expect(seen.gone).toBeGreaterThan(seen.runs / 5);
    expect(seen.sessions).toBeGreaterThan(seen.runs * 1.2);
    expect(seen.read).toBeGreaterThan(seen.runs * 3);
    expect(seen.undelivered).toBeGreaterThan(seen.runs);
    expect(seen.heard).toBeGreaterThan(seen.runs / 20);
  });
});

/** Order across sessions, too: what the one read was sent before what the next one read. */
function expectAccounted(sender: Application, readers: readonly Application[]): void {
  const { sent, undelivered } = sender;
  const read = readers.flatMap((reader) => reader.readOf(sender));
  expect(read).toEqual(among(sent, read));
  expect(undelivered).toEqual(among(sent, undelivered));
  // Of those that were on their way, nobody knows: they may be in both.
  const known = new Set([...read, ...undelivered]);
  expect(sent.filter((message) => !known.has(message))).toEqual([]);
}

/** Those of `sent` that are in the list, each once and in the order in which it was sent. */
function among(sent: readonly string[], list: readonly string[]): string[] {
  const those = new Set(list);
  return sent.filter((message) => those.has(message));
}
