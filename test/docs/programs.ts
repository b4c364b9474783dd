import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { onTestFinished } from 'vitest';

/** Writes a program below the package, so that 'gemsocket' is the built package itself, and returns its path. It is gone with the test. */
export async function writeProgram(name: string, code: string): Promise<string> {
  await mkdir('build', { recursive: true });
  const directory = await mkdtemp(join('build', 'program-'));
  onTestFinished(() => rm(directory, { recursive: true, force: true }));
  const file = join(directory, name);
  await writeFile(file, code);
  return file;
}
