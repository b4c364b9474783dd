/** The seed of a test that differs in each run. The test's name contains it, and GEM_SEED replays it. */
export const seedOfRun = Number(process.env.GEM_SEED ?? Date.now() % 2_147_483_647) || 1;

/** Numbers in [0, 1) that are the same in every run: a mulberry32 generator. */
export function seededRandom(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

/** A whole number from 0 to `below`, exclusive. */
export type Random = (below: number) => number;

export function seededNumbers(seed: number): Random {
  const random = seededRandom(seed);
  return (below) => Math.floor(random() * below);
}

export function oneOf<T>(random: Random, list: readonly T[]): T {
  return list[random(list.length)] as T;
}

export function noise(random: Random, length: number): Uint8Array<ArrayBuffer> {
  return Uint8Array.from({ length }, () => random(256));
}
