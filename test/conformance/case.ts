import { Bench } from './bench.js';
import type { Env, PlatformFacts } from './env.js';

export type Need = keyof PlatformFacts | `not ${keyof PlatformFacts}`;

export interface Case {
  readonly name: string;
  /** The case describes platforms with, or without, this ability; its counterpart describes the others. */
  readonly needs?: Need;
  run(env: Env): Promise<void>;
}

/** A case whose clients are closed at its end, however it ends. */
export function test(name: string, body: (bench: Bench) => void | Promise<void>, needs?: Need): Case {
  const run = async (env: Env) => {
    const bench = new Bench(env);
    try {
      await body(bench);
    } finally {
      await bench.end();
    }
  };
  return needs === undefined ? { name, run } : { name, needs, run };
}

/** One case for each row of a table. */
export function each<Row>(
  rows: readonly Row[],
  name: (row: Row) => string,
  body: (bench: Bench, row: Row) => void | Promise<void>,
  needs?: Need,
): Case[] {
  return rows.map((row) => test(name(row), (bench) => body(bench, row), needs));
}
