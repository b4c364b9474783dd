import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { describe, expect, inject, test } from 'vitest';
import { makeProject } from '../support/installed-package.js';

/**
 * Raise a budget only for a reason that is worth it on every message. Writes and bytes on the wire are exact. Bytes on the heap are of Node
 * 20 and of both ends together, and have a quarter in reserve for other versions.
 */
const budgets = {
  plain: {
    burstWrites: 1,
    burstBytesPerMessage: 70,
    burstHeapBytesPerMessage: 1_410,
    roundTripWrites: 2,
    roundTripHeapBytes: 8_180,
    broadcastWritesPerClient: 1,
    broadcastBytesPerClient: 66,
    broadcastHeapBytesPerClient: 2_240,
  },
  session: {
    burstWrites: 2,
    burstBytesPerMessage: 66.2,
    burstHeapBytesPerMessage: 400,
    roundTripWrites: 2,
    roundTripHeapBytes: 11_950,
    broadcastWritesPerClient: 1,
    broadcastBytesPerClient: 68,
    broadcastHeapBytesPerClient: 2_940,
  },
};

/** One thread, so that code is compiled at the same message in every run; and no garbage collection while the heap is measured. */
const NODE_FLAGS = ['--single-threaded', '--min-semi-space-size=128', '--max-semi-space-size=128'];

function measuredCosts(mode: string): Record<string, number> {
  const program = readFileSync(new URL('message-costs.mjs', import.meta.url), 'utf8');
  const cwd = makeProject(inject('installation'), { 'message-costs.mjs': program });
  const stdio: ['ignore', 'pipe', 'inherit'] = ['ignore', 'pipe', 'inherit'];
  return JSON.parse(execFileSync(process.execPath, [...NODE_FLAGS, 'message-costs.mjs', mode], { cwd, encoding: 'utf8', stdio }));
}

describe.each(Object.entries(budgets))('a message of 64 bytes, %s,', (mode, budget) => {
  test('costs no more writes, bytes on the wire and bytes on the heap than its budget', () => {
    const costs = measuredCosts(mode);
    const over = Object.entries(budget).filter(([figure, most]) => !((costs[figure] ?? Number.NaN) <= most));
    expect(over.map(([figure, most]) => `${figure}: ${costs[figure]}, budget ${most}`)).toEqual([]);
  });
});
