import type { Case, Need } from './case.js';
import type { Env, Gemsocket, PlatformFacts } from './env.js';
import type { ServerInfo } from './steps.js';
import { suite } from './suite.js';

/** How a case went, as JSON: it may have to leave a page, a worker or another process. */
export interface Result {
  readonly name: string;
  readonly ms: number;
  /** Why it failed; left out when it passed. */
  readonly failure?: string;
}

/** Far over what any case takes. */
const CASE_TIMEOUT_MS = 10_000;

/** The cases that describe a platform with these abilities. */
export function casesFor(facts: PlatformFacts): Case[] {
  return suite.filter(({ needs }) => needs === undefined || isMet(needs, facts));
}

function isMet(need: Need, facts: PlatformFacts): boolean {
  return need.startsWith('not ') ? !facts[need.slice(4) as keyof PlatformFacts] : facts[need as keyof PlatformFacts];
}

/** @param origin of the test server, `http://127.0.0.1:port`. */
export async function makeEnv(gemsocket: Gemsocket, facts: PlatformFacts, origin: string): Promise<Env> {
  const response = await fetch(`${origin}/info`);
  return { gemsocket, facts, server: (await response.json()) as ServerInfo };
}

/** Runs all cases one after another, where no test framework can. */
export async function runSuite(env: Env): Promise<Result[]> {
  const results: Result[] = [];
  for (const one of casesFor(env.facts)) results.push(await runCase(one, env));
  return results;
}

/** Throws what the case failed with where it ran, also when it did not run at all. */
export function verdictOn(one: Case, results: readonly Result[]): void {
  const result = results.find(({ name }) => name === one.name);
  if (result === undefined) throw new Error('The case did not run.');
  if (result.failure !== undefined) throw new Error(result.failure);
}

async function runCase(one: Case, env: Env): Promise<Result> {
  const startedAt = Date.now();
  let timer: ReturnType<typeof setTimeout> | undefined;
  const deadline = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error(`Not done within ${CASE_TIMEOUT_MS} ms.`)), CASE_TIMEOUT_MS);
  });
  try {
    await Promise.race([one.run(env), deadline]);
    return { name: one.name, ms: Date.now() - startedAt };
  } catch (error) {
    const failure = error instanceof Error ? (error.stack ?? error.message) : String(error);
    return { name: one.name, ms: Date.now() - startedAt, failure };
  } finally {
    clearTimeout(timer);
  }
}
