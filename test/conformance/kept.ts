import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Run } from './results.js';

/** Which of the times that a runner runs the same test: Playwright's `TestInfo` has both numbers. */
export interface Try {
  readonly retry: number;
  readonly repeatEachIndex: number;
}

/**
 * The run of this try. It is kept in the folder, because Playwright starts another worker after each failed test, and that worker
 * must not run the suite again for the tests that are left. A retry, however, is another try, and has a run of its own: the results
 * of the run that failed would fail again.
 */
export async function keptRun(folder: string, title: string, { retry, repeatEachIndex }: Try, start: () => Promise<Run>): Promise<Run> {
  const path = join(folder, `${title} ${repeatEachIndex}-${retry}.json`);
  const text = await readFile(path, 'utf8').catch(() => undefined);
  if (text !== undefined) return JSON.parse(text) as Run;
  const run = await start();
  await mkdir(folder, { recursive: true });
  await writeFile(path, JSON.stringify(run));
  return run;
}
