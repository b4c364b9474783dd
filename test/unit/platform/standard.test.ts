import { afterEach, describe, expect, it, vi } from 'vitest';
import { standardPlatform } from '../../../src/platform/standard/platform.js';

afterEach(() => vi.unstubAllGlobals());

describe('the end of the turn in a runtime with standard globals only', () => {
  // Node does not mind; a Worker throws "Illegal invocation" when its functions are called as methods of an object.
  it.each(['setImmediate', 'queueMicrotask'])('is scheduled with %s, called as a global', (name) => {
    if (name === 'queueMicrotask') vi.stubGlobal('setImmediate', undefined);
    const scheduled: unknown[] = [];
    vi.stubGlobal(name, function (this: unknown, call: () => void) {
      scheduled.push([this, call]);
    });
    const channel = { endOfTurn: standardPlatform.makeEndOfTurn?.() };
    const call = () => {};
    channel.endOfTurn?.(call);
    expect(scheduled).toEqual([[undefined, call]]);
  });
});
