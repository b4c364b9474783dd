import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { factsOf, type LinkName, type PlatformName } from './facts.js';
import type { Result } from './run.js';

/** A run of the suite somewhere, as it is kept in JSON: what the matrix of platforms is made from. */
export interface Run {
  readonly platform: PlatformName;
  /** Where on the platform, if it has more places than one: `page`, `worker`, `sharedWorker`, `script`. */
  readonly home?: string;
  readonly link: LinkName;
  /** Of the platform. */
  readonly version: string;
  readonly results: readonly Result[];
}

const FOLDER = join(import.meta.dirname, '../../test-results/conformance');

/** Writes `test-results/conformance/<platform>[-<home>]-<link>.json`: the run, and the facts of its platform. */
export async function saveRun(run: Run): Promise<void> {
  const name = [run.platform, run.home, run.link].filter((part) => part !== undefined).join('-');
  await mkdir(FOLDER, { recursive: true });
  await writeFile(join(FOLDER, `${name}.json`), JSON.stringify({ ...run, facts: factsOf(run.platform, run.link) }, undefined, 1));
}
