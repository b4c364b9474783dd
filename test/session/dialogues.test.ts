import { describe, expect, it } from 'vitest';
import * as Kind from '../../src/session/record-kind.js';
import { act, check, type Dialogue } from './support/dialogue.js';
import { ClientSide, ServerSide } from './support/sides.js';
import { bytesOf, hexOf, vectors } from './support/vectors.js';

describe('dialogues.json', () => {
  it.each(vectors<Dialogue>('dialogues'))('$role: $name', ({ role, steps }) => {
    const side = role === 'client' ? new ClientSide() : new ServerSide();
    for (const step of steps) {
      act(side, step);
      side.settle();
      if (step.ours !== undefined) expect(side.said([Kind.ping])).toBe(hexOf(bytesOf(step.ours)));
      check(side, step);
    }
  });
});
