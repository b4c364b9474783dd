import type { Case, Need } from './case.js';
import type { Env, Gemsocket, PlatformFacts } from './env.js';
import { factsOf, type LinkName, type PlatformName } from './facts.js';
import type { ServerInfo } from './steps.js';
import { suite } from './suite.js';
import { isForSessions, type MakeSession, withSession } from './with-session.js';

/** What a program in a page, a worker or another process is told to do. */
export interface Job {
  /** Of the test server, `http://127.0.0.1:port`. */
  readonly origin: string;
  readonly platform: PlatformName;
  readonly link: LinkName;
  /** Of the machine, see test/support/pace.ts: a page or a runtime does not measure it for itself. */
  readonly pace: number;
  /** The pattern of the cases that are left out, because the place is different on purpose. */
  readonly otherwise?: string;
}

/** How a case went, as JSON: it may have to leave a page, a worker or another process. */
export interface Result {
  readonly name: string;
  readonly ms: number;
  /** Why it failed; left out when it passed. */
  readonly failure?: string;
}

/** How long a case may take at the reference pace: many times the second that the slowest takes. */
const CASE_LIMIT_MS = 20_000;

/** The cases that describe the platform, with this link, but for those that match the pattern. */
export function casesOf(platform: PlatformName, link: LinkName, otherwise?: string): Case[] {
  const all = casesFor(factsOf(platform, link));
  const cases = link === 'session' ? all.filter(isForSessions) : all;
  return otherwise === undefined ? cases : cases.filter(({ name }) => !new RegExp(otherwise).test(name));
}

/** The cases that describe a platform with these abilities. */
export function casesFor(facts: PlatformFacts): Case[] {
  return suite.filter(({ needs }) => needs === undefined || isMet(needs, facts));
}

function isMet(need: Need, facts: PlatformFacts): boolean {
  return need.startsWith('not ') ? !facts[need.slice(4) as keyof PlatformFacts] : facts[need as keyof PlatformFacts];
}

/** @param origin of the test server, `http://127.0.0.1:port`. */
export async function makeEnv(gemsocket: Gemsocket, facts: PlatformFacts, origin: string, pace: number): Promise<Env> {
  const response = await fetch(`${origin}/info`);
  return { gemsocket, facts, pace, server: (await response.json()) as ServerInfo };
}

/** Runs all cases of the job one after another, where no test framework can. */
export async function runSuite(gemsocket: Gemsocket, makeSession: MakeSession, job: Job): Promise<Result[]> {
  const { origin, platform, link, pace, otherwise } = job;
  const library = link === 'session' ? withSession(gemsocket, makeSession) : gemsocket;
  const env = await makeEnv(library, factsOf(platform, link), origin, pace);
  const results: Result[] = [];
  for (const one of casesOf(platform, link, otherwise)) results.push(await runCase(one, env));
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
  const limitMs = CASE_LIMIT_MS * env.pace;
  let timer: ReturnType<typeof setTimeout> | undefined;
  const deadline = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error(`Not done within ${limitMs} ms.`)), limitMs);
  });
  try {
    await Promise.race([one.run(env), deadline]);
    return { name: one.name, ms: Date.now() - startedAt };
  } catch (error) {
    return { name: one.name, ms: Date.now() - startedAt, failure: described(error) };
  } finally {
    clearTimeout(timer);
  }
}

/** Of an error only V8 puts the message into the stack. */
function described(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  const { message, stack = '' } = error;
  return stack.includes(message) ? stack : `${message}\n${stack}`;
}
