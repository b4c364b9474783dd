import type { CDPSession } from '@playwright/test';

interface HeapUsage {
  readonly usedSize: number;
  /** Of array buffers: what unread messages are. */
  readonly backingStorageSize: number;
}

/** What the page holds, with the contents of its array buffers. */
export async function pageBytes(devtools: CDPSession): Promise<number> {
  await devtools.send('HeapProfiler.collectGarbage');
  const usage = (await devtools.send('Runtime.getHeapUsage')) as HeapUsage;
  return usage.usedSize + usage.backingStorageSize;
}
