import { allowance } from './pace.js';

/** Enough rounds for the expected events to occur with near certainty. */
const LEAST_ROUNDS = 300;

/**
 * How long a test with random inputs runs: for `ms` at the reference pace, or for the number of rounds in the environment
 * variable, which `npm run night` sets.
 *
 * @returns whether there is another round after the given number of rounds.
 */
export function budget(variable: string, ms: number): (rounds: number) => boolean {
  const set = process.env[variable];
  const endsAt = performance.now() + allowance(ms);
  if (set !== undefined) return (rounds) => rounds < Number(set);
  return (rounds) => rounds < LEAST_ROUNDS || performance.now() < endsAt;
}

/** The same for fast-check. A failure prints its seed: GEM_SEED replays it. */
export function propertyBudget(variable: string, ms: number) {
  const set = process.env[variable];
  const seed = process.env.GEM_SEED === undefined ? {} : { seed: Number(process.env.GEM_SEED) };
  if (set !== undefined) return { numRuns: Number(set), ...seed };
  return { numRuns: Number.MAX_SAFE_INTEGER, interruptAfterTimeLimit: allowance(ms), markInterruptAsFailure: false, ...seed };
}
