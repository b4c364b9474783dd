import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { keptRun } from './kept.js';
import type { Run } from './results.js';

let folder: string;
let runs: number;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'gemsocket-kept-'));
  runs = 0;
});
afterEach(() => rm(folder, { recursive: true, force: true }));

async function start(): Promise<Run> {
  runs += 1;
  return { platform: 'firefox', link: 'plain', version: `run ${runs}`, results: [] };
}

/** The version of the run that a worker gets for a test. */
const versionFor = async (title: string, retry: number, repeatEachIndex = 0) =>
  (await keptRun(folder, title, { retry, repeatEachIndex }, start)).version;

it('a worker that continues after a failed test gets the run that is there', async () => {
  expect(await versionFor('Firefox', 0)).toBe('run 1');
  expect(await versionFor('Firefox', 0)).toBe('run 1');
});

it('a retry runs the suite again, and so does a repetition', async () => {
  expect(await versionFor('Firefox', 0)).toBe('run 1');
  expect(await versionFor('Firefox', 1)).toBe('run 2');
  expect(await versionFor('Firefox', 1)).toBe('run 2');
  expect(await versionFor('Firefox', 0, 1)).toBe('run 3');
});

it('each place has a run of its own', async () => {
  expect(await versionFor('Firefox, a page', 0)).toBe('run 1');
  expect(await versionFor('Firefox, a worker', 0)).toBe('run 2');
});
