import { randomBytes } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { Opcode } from '../support/raw-peer.js';
import { comparable, write } from './cases.js';
import { halves, type Meeting, ourClient, ourServer } from './halves.js';

const LENGTHS = [0, 1, 125, 126, 127, 65_535, 65_536, 65_537];

const messages = LENGTHS.flatMap((length) => ['x'.repeat(length), 'é'.repeat(length / 2), new Uint8Array(randomBytes(length))]);

function send(client: Pick<Meeting['client'], 'sendMessage' | 'sendMessageBinary'>, message: string | Uint8Array<ArrayBuffer>): void {
  if (typeof message === 'string') client.sendMessage(message);
  else client.sendMessageBinary(message);
}

async function received({ wrote }: Meeting, expected: readonly (string | Uint8Array)[]): Promise<void> {
  await expect.poll(() => wrote.messages.length).toBe(expected.length);
  expect(wrote.faults).toEqual([]);
  expect(wrote.messages.map(comparable)).toEqual(expected.map(comparable));
}

describe.each(halves)('the bytes written by $name', (half) => {
  it('5.2 are one frame for each message, with the shortest length field', async () => {
    const meeting = await half.meet();
    for (const message of messages) send(meeting.client, message);
    await received(meeting, messages);
    expect(meeting.wrote.frames).toHaveLength(messages.length);
    expect(meeting.wrote.pendingBytes).toBe(0);
  });

  it('5.2 are separate frames even where one write carries many', async () => {
    const meeting = await half.meet();
    let reads = 0;
    meeting.socket.on('data', () => {
      reads += 1;
    });
    const many = Array.from({ length: 100 }, (_, index) => `message ${index}`);
    for (const message of many) meeting.client.sendMessage(message);
    await received(meeting, many);
    expect(reads).toBe(1);
  });

  it('5.5.3 have pongs between messages, never within one', async () => {
    const meeting = await half.meet();
    const large = new Uint8Array(512 * 1024);
    for (let round = 0; round < 20; round++) {
      meeting.client.sendMessageBinary(large);
      await write(meeting, half.frame(Opcode.ping, `${round}`));
    }
    await expect.poll(() => meeting.wrote.pongs.length).toBe(20);
    await received(meeting, Array<Uint8Array>(20).fill(large));
    expect(meeting.wrote.pongs).toEqual(Array.from({ length: 20 }, (_, round) => `${round}`));
  });

  it('8.1 are UTF-8, even for a string with an unpaired surrogate', async () => {
    const meeting = await half.meet();
    meeting.client.sendMessage('half \ud83d pair \udc8e');
    await received(meeting, ['half \ufffd pair \ufffd']);
  });

  it('5.5.2 have pings without an oversized payload', async () => {
    const liveness = { pingMs: 5, timeoutMs: 5_000 };
    const meeting = await half.meet(undefined, { client: { liveness }, server: { liveness } });
    await expect.poll(() => meeting.wrote.frames.some(({ opcode }) => opcode === Opcode.ping)).toBe(true);
    expect(meeting.wrote.faults).toEqual([]);
  });

  it('10.7 end with a close frame when a text is refused, and do not include the text', async () => {
    const meeting = await half.meet(half.frame(Opcode.text, Buffer.from('secret\xff', 'latin1')));
    await meeting.ended;
    expect(meeting.wrote).toMatchObject({ faults: [], closeCode: 1007, messages: [] });
    expect(meeting.wrote.closeReason).not.toContain('secret');
  });
});

describe('the masks of our client', () => {
  it('5.3 are new for every frame of any kind', async () => {
    const { client, wrote, ...meeting } = await ourClient.meet();
    for (let index = 0; index < 1_000; index++) client.sendMessage('the same');
    for (let index = 0; index < 10; index++) await write(meeting, ourClient.frame(Opcode.ping, 'the same'));
    void client.close(1000);
    await meeting.ended;
    expect(wrote.faults).toEqual([]);
    const masks = wrote.frames.map(({ mask }) => mask?.readUInt32BE());
    expect(wrote.frames).toHaveLength(1_011);
    // Of 32 bits: among a thousand two are equal once in ten thousand runs, and ten never.
    expect(new Set(masks).size).toBeGreaterThan(1_000);
  });

  it('5.3 vary in all their bits', async () => {
    const meeting = await ourClient.meet();
    for (let index = 0; index < 1_000; index++) meeting.client.sendMessage('');
    await received(meeting, Array<string>(1_000).fill(''));
    for (let bit = 0; bit < 32; bit++) {
      const set = meeting.wrote.frames.filter(({ mask }) => ((mask?.readUInt32BE() ?? 0) >>> bit) & 1).length;
      // A thousand coin flips: outside of this range once in 10^15.
      expect(Math.abs(set - 500)).toBeLessThan(128);
    }
  });
});

describe('frames that our server encodes once for all clients', () => {
  it('5.2 equal those of a send, with the shortest length field', async () => {
    const meeting = await ourServer.meet();
    for (const message of messages) meeting.server.broadcast(message);
    await received(meeting, messages);
    expect(meeting.wrote.frames).toHaveLength(messages.length);
  });

  it('5.2 keep their order among the messages to a single client, in one turn and over many', async () => {
    const meeting = await ourServer.meet();
    const { server, client } = meeting;
    const expected: string[] = [];
    for (let round = 0; round < 300; round++) {
      server.broadcast(`to all ${round}`);
      client.sendMessage(`to one ${round}`);
      expected.push(`to all ${round}`, `to one ${round}`);
      if (round % 30 === 0) await write(meeting, ourServer.frame(Opcode.ping, `${round}`));
    }
    await received(meeting, expected);
    expect(meeting.wrote.pongs).toHaveLength(10);
  });

  it('5.2 stay whole for a client that reads slowly', async () => {
    const meeting = await ourServer.meet(undefined, { server: { maxBufferedBytes: 64 * 1024 * 1024 } });
    const { server, client } = meeting;
    meeting.socket.pause();
    const expected: Uint8Array[] = [];
    for (let round = 0; client.bufferedBytes < 8 * 1024 * 1024; round++) {
      const bytes = new Uint8Array(10_000 + round).fill(round);
      if (round % 2 === 0) server.broadcast(bytes);
      else client.sendMessageBinary(bytes);
      expected.push(bytes);
      if (round % 50 === 0) await new Promise(setImmediate);
    }
    meeting.socket.resume();
    await received(meeting, expected);
  });

  it('5.5.1 precede the close frame, and none follows it', async () => {
    const meeting = await ourServer.meet(undefined, { goodbye: ourServer.frame(Opcode.close) });
    const { server, client } = meeting;
    for (let round = 0; round < 100; round++) server.broadcast(`${round}`);
    void client.close(1000);
    server.broadcast('too late');
    await meeting.ended;
    expect(meeting.wrote.faults).toEqual([]);
    expect(meeting.wrote.messages).toEqual(Array.from({ length: 100 }, (_, round) => `${round}`));
    expect(meeting.wrote.frames.at(-1)?.opcode).toBe(Opcode.close);
  });

  it('8.1 are UTF-8, even for a string with an unpaired surrogate', async () => {
    const meeting = await ourServer.meet();
    meeting.server.broadcast('half \ud83d pair \udc8e');
    await received(meeting, ['half \ufffd pair \ufffd']);
  });
});
