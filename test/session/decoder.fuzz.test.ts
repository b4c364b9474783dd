import { describe, expect, it } from 'vitest';
import { encodeControl } from '../../src/session/controls.js';
import { budget } from '../support/budget.js';
import { noise, oneOf, type Random, seededNumbers, seedOfRun } from '../support/seeded-random.js';
import { BareChannel } from './support/bare-channel.js';
import { bytesOf, type VectorBytes, vectors } from './support/vectors.js';

const CODES = [4400, 4413];
/** Unread messages up to twice the window, as volatile ones come on top, and one message that is not whole yet. */
const MAX_HELD = 2 * 4_096 + 8_192;

describe(`a connection that receives arbitrary bytes (GEM_SEED=${seedOfRun})`, () => {
  it('delivers or closes with its code: it never throws, and never holds more than its bounds', { timeout: 3_600_000 }, () => {
    const random = seededNumbers(seedOfRun);
    const seeds = vectors<{ bytes: VectorBytes }>('batches').map(({ bytes }) => bytesOf(bytes));
    seeds.push(encodeControl({ is: 'leave', delayMs: 1e12 }));
    const seen = { delivered: 0, closed: 0 };
    let bare = new BareChannel();
    const goesOn = budget('GEM_FUZZ', 3_000);
    let count = 0;
    for (; goesOn(count); count++) {
      const batch = random(4) === 0 ? noise(random, random(64)) : mutated(random, seeds);
      const before = bare.end.sent.length;
      bare.receive(batch);
      expectBounds(bare, before);
      seen.delivered += bare.messages.splice(0).length;
      const isOver = bare.failures.length + bare.endings.length > 0;
      if (!isOver && random(20) > 0) continue;
      seen.closed += bare.failures.length;
      if (!bare.failures.every((code) => CODES.includes(code))) expect(bare.failures).toBe('4400 or 4413');
      bare = new BareChannel();
    }
    expect(seen.delivered).toBeGreaterThan(count / 50);
    expect(seen.closed).toBeGreaterThan(count / 10);
  });
});

/** Plain comparisons: a million assertions of the test framework would take the time of ten million batches. */
function expectBounds(bare: BareChannel, sentBefore: number): void {
  const isBounded =
    bare.channel.heldBytes <= MAX_HELD && bare.unreadBytes <= bare.channel.heldBytes && bare.failures.length + bare.endings.length <= 1;
  const addressResponder = bare.end.sent.slice(sentBefore) as Uint8Array[];
  const isModest = addressResponder.length <= 1 && (addressResponder[0]?.length ?? 0) <= 64;
  if (!isBounded || !isModest) {
    expect({ held: bare.channel.heldBytes, unread: bare.unreadBytes, failures: bare.failures, addressResponder }).toBe('within bounds');
  }
}

/** Good batches, joined and then spoilt: the bytes that a decoder believes longest. */
function mutated(random: Random, seeds: readonly Uint8Array[]): Uint8Array<ArrayBuffer> {
  const parts = Array.from({ length: 1 + random(3) }, () => oneOf(random, seeds)).filter((part) => part.length < 2_000 || random(10) === 0);
  const batch = Uint8Array.from(Buffer.concat(parts));
  for (let changes = random(4); changes > 0 && batch.length > 0; changes--) batch[random(batch.length)] = random(256);
  return random(5) === 0 ? batch.slice(0, random(batch.length + 1)) : batch;
}
