import { setTimeout as sleep } from 'node:timers/promises';
import { limit } from './pace.js';

/** Waits for a condition, and names the one that never became true. The time is at the reference pace, see pace.ts. */
export async function until(condition: () => boolean | Promise<boolean>, what: string, timeoutMs = 10_000): Promise<void> {
  const deadline = Date.now() + limit(timeoutMs);
  while (!(await condition())) {
    if (Date.now() > deadline) throw new Error(`waited ${limit(timeoutMs)} ms in vain until ${what}`);
    await sleep(5);
  }
}
