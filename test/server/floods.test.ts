import { describe, expect, it } from 'vitest';
import type { ServerClient, ServerOptions } from '../../src/entry/server.js';
import { encodeControl } from '../../src/session/controls.js';
import { frame, handshake, nextClient, Opcode, RawPeer, serve, until } from './support.js';

/** So little that every check of the clock finds it used up: what is read in one turn is then what is read between two checks. */
const TIGHT: ServerOptions = { turnBudgetMs: 1e-6 };

interface Flooded {
  readonly peer: RawPeer;
  readonly accepted: ServerClient;
  /** How many messages the server's handler got in each turn; the first of one turn and of the next may be counted as one. */
  readonly turns: number[];
}

async function flooded(isSession: boolean, options: ServerOptions): Promise<Flooded> {
  const server = await serve(options);
  const accepting = nextClient(server);
  const peer = await RawPeer.connect(server.port);
  peer.send(Buffer.from(handshake(isSession ? { 'Sec-WebSocket-Protocol': 'gem.1' } : {})));
  await until(() => peer.head());
  if (isSession)
    peer.send(frame(Opcode.binary, encodeControl({ is: 'hello', initialCredit: 1e6, maxMessageBytes: 65_536, protocols: [] })));
  const accepted = await accepting;
  const turns: number[] = [];
  let isNew = true;
  accepted.on('message', () => {
    if (isNew) {
      isNew = false;
      turns.push(0);
      setImmediate(() => {
        isNew = true;
      });
    }
    turns[turns.length - 1] = (turns.at(-1) ?? 0) + 1;
  });
  return { peer, accepted, turns };
}

const sum = (numbers: readonly number[]) => numbers.reduce((total, number) => total + number, 0);
const VOLATILE = 0x0c;
const END = [0x23, 0x03, 0xe8];

describe('a peer that floods', () => {
  it('with records has a batch read over several turns, all of it', async () => {
    const { peer, turns } = await flooded(true, TIGHT);
    peer.send(frame(Opcode.binary, new Uint8Array(10_000).fill(VOLATILE)));
    await until(() => expect(sum(turns)).toBe(10_000));
    expect(Math.max(...turns)).toBeLessThanOrEqual(2 * 64);
  });

  it('with frames in one read of its socket is read over several turns, completely, and closed after that', async () => {
    const { peer, accepted, turns } = await flooded(false, TIGHT);
    const closed = new Promise((resolve) => accepted.on('close', (info) => resolve([sum(turns), info.code])));
    peer.send(...Array<Buffer>(2_000).fill(frame(Opcode.text, 'x')), frame(Opcode.close, Buffer.of(0x03, 0xe8)));
    expect(await closed).toEqual([2_000, 1000]);
    expect(Math.max(...turns)).toBeLessThanOrEqual(2 * 16);
  });

  it('and ends its session in the middle of a batch is heard to its END, and no further', async () => {
    const { peer, accepted, turns } = await flooded(true, TIGHT);
    const closed = new Promise((resolve) => accepted.on('close', (info) => resolve([sum(turns), info.code])));
    const volatiles = new Uint8Array(500).fill(VOLATILE);
    peer.send(frame(Opcode.binary, Buffer.concat([volatiles, Buffer.from(END)])), frame(Opcode.binary, volatiles));
    expect(await closed).toEqual([500, 1000]);
  });

  it('and is closed by a handler in the middle of a batch is read no further', async () => {
    const { peer, accepted, turns } = await flooded(true, TIGHT);
    accepted.on('message', () => {
      if (sum(turns) === 300) (accepted as unknown as { drop(): void }).drop();
    });
    peer.send(frame(Opcode.binary, new Uint8Array(10_000).fill(VOLATILE)));
    await peer.ended();
    expect(sum(turns)).toBe(300);
  });

  it('is answered the last PING of each part of a batch, and every frame of its own in order', async () => {
    const { peer } = await flooded(true, {});
    await peer.frame();
    peer.send(frame(Opcode.binary, Uint8Array.from(Array.from({ length: 20_000 }, (_, n) => [0x1a, n & 0x7f]).flat())));
    let last: number | undefined;
    while (last !== (19_999 & 0x7f)) {
      const { payload } = await peer.frame();
      if (payload.includes(0x1b)) last = payload[payload.indexOf(0x1b) + 1];
    }
  });
});
