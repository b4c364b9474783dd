import { describe, expect, it } from 'vitest';
import type { Side } from './support/sides.js';
import { decodeTopicRecord, encodeTopicRecord, plainTopicRecord, type TopicRecord } from './support/topic-records.js';
import { settle, TopicClientSide, TopicServerSide } from './support/topic-sides.js';
import { bytesOf, hexOf, type VectorBytes, vectors } from './support/vectors.js';

interface TopicVector {
  readonly name: string;
  readonly bytes: VectorBytes;
  readonly record: TopicRecord;
  readonly decodeOnly?: boolean;
}

interface MalformedVector {
  readonly name: string;
  readonly to?: 'client' | 'server';
  readonly bytes: VectorBytes;
  readonly code: number;
}

const HELLO = 'ff01 01 808040 80808008 01 0463686174 01';
const WELCOME = 'af06 02 a0a1a2a3a4a5a6a7a8a9aaabacadaeaf b0b1b2b3b4b5b6b7b8b9babbbcbdbebf 808010 808004 c0a907 00 00 0463686174 01';
/** Of the first request, with feed 7. */
const GRANTED = '75 10 01 07 00 00 00 01';

/** A client with a subscription, or a server, after the handshake. */
async function openSide(to: 'client' | 'server'): Promise<Side> {
  const side = to === 'client' ? new TopicClientSide() : new TopicServerSide();
  side.open();
  side.ends[0]?.events?.received(bytesOf(to === 'client' ? WELCOME : HELLO), 0);
  if (side instanceof TopicClientSide) {
    side.subscribe('news', 'now', 262_144);
    await settle(side);
    side.ends[0]?.events?.received(bytesOf(GRANTED), 0);
  }
  await settle(side);
  return side;
}

describe('topics.json', () => {
  it.each(vectors<TopicVector>('topics'))('reads $name', ({ bytes, record }) => {
    expect(decodeTopicRecord(bytesOf(bytes))).toEqual(plainTopicRecord(record));
  });

  it.each(vectors<TopicVector>('topics').filter(({ decodeOnly }) => !decodeOnly))('writes $name', ({ bytes, record }) => {
    expect(hexOf(encodeTopicRecord(record))).toBe(hexOf(bytesOf(bytes)));
  });
});

describe('malformed.json', () => {
  const ofTopics = vectors<MalformedVector>('malformed').filter(({ to }) => to !== undefined);

  it.each(ofTopics)('closes the $to with $code after $name', async ({ to, bytes, code }) => {
    const side = await openSide(to as 'client' | 'server');
    expect(side.client.state).toBe('open');
    side.ends[0]?.events?.received(bytesOf(bytes), 0);
    expect(side.client.state).toBe('closed');
    expect(side.ends[0]?.closedWith).toMatchObject({ code });
  });
});
