import fc from 'fast-check';
import type { Habits } from './application.js';

export type Side = 'client' | 'server';

/** What can happen. Any list of these is a schedule. */
export type Move =
  | { readonly do: 'send'; readonly side: Side; readonly bytes: number; readonly isText: boolean }
  | { readonly do: 'read'; readonly side: Side; readonly count: number }
  | { readonly do: 'turn' }
  /** Frames of the newest cable, or of an older one: they come late. */
  | { readonly do: 'deliver'; readonly from: Side; readonly frames: number; readonly age: number }
  /** Who is told at once; the other is told by its liveness, by the takeover, or by a later `notice`. */
  | { readonly do: 'cut'; readonly told: readonly Side[]; readonly isDead: boolean }
  | { readonly do: 'notice'; readonly side: Side; readonly age: number }
  | { readonly do: 'freeze' }
  | { readonly do: 'thaw' }
  | { readonly do: 'refuse'; readonly isRefusing: boolean }
  | { readonly do: 'wake' }
  | { readonly do: 'pass'; readonly ms: number }
  | { readonly do: 'jump'; readonly ms: number }
  | { readonly do: 'throttle'; readonly ms: number }
  | { readonly do: 'volatile'; readonly side: Side }
  /** Of the newest session. */
  | { readonly do: 'close'; readonly side: Side; readonly code: number }
  /** The server's process is another one, which knows no session. */
  | { readonly do: 'restart' };

const side = fc.constantFrom<Side>('client', 'server');
const age = fc.nat({ max: 2 });

/** What a session outlives. */
const trouble = fc.oneof(
  {
    weight: 8,
    arbitrary: fc.record({
      do: fc.constant('send'),
      side,
      bytes: fc.oneof(fc.nat({ max: 40 }), fc.nat({ max: 700 })),
      isText: fc.boolean(),
    }),
  },
  { weight: 4, arbitrary: fc.record({ do: fc.constant('read'), side, count: fc.nat({ max: 10 }) }) },
  { weight: 6, arbitrary: fc.record({ do: fc.constant('turn') }) },
  { weight: 10, arbitrary: fc.record({ do: fc.constant('deliver'), from: side, frames: fc.integer({ min: 1, max: 5 }), age }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constant('cut'), told: fc.subarray<Side>(['client', 'server']), isDead: fc.boolean() }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constant('notice'), side, age }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('freeze') }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('thaw') }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('refuse'), isRefusing: fc.boolean() }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('wake') }) },
  { weight: 4, arbitrary: fc.record({ do: fc.constant('pass'), ms: fc.oneof(fc.nat({ max: 60 }), fc.nat({ max: 40_000 })) }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('jump'), ms: fc.integer({ min: -600_000, max: 600_000 }) }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('throttle'), ms: fc.nat({ max: 120_000 }) }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constant('volatile'), side }) },
) as fc.Arbitrary<Move>;

/** And what it does not outlive; and messages larger than what is kept for a replay. */
const troubleAndEnd = fc.oneof(
  { weight: 80, arbitrary: trouble },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('close'), side, code: fc.constantFrom(1000, 1001, 4000, 4403) }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('restart') }) },
  { weight: 3, arbitrary: fc.record({ do: fc.constant('send'), side, bytes: fc.nat({ max: 1_900 }), isText: fc.boolean() }) },
) as fc.Arbitrary<Move>;

export const schedules = fc.array(trouble, { minLength: 1, maxLength: 80, size: 'max' });
export const schedulesWithEnds = fc.array(troubleAndEnd, { minLength: 1, maxLength: 80, size: 'max' });

const rarely = fc.oneof({ weight: 5, arbitrary: fc.constant(0) }, { weight: 1, arbitrary: fc.integer({ min: 1, max: 20 }) });

export const habits: fc.Arbitrary<Habits> = fc.record({
  listens: fc.boolean(),
  // Two that answered each other every time would never have done.
  answersEvery: fc.constantFrom(0, 2, 5),
  closesWithMessage: rarely,
  closesWithReturn: rarely,
  sendsAgain: fc.boolean(),
});

/** How it ends: who closes with what has just been sent, and when the link breaks meanwhile. */
export interface Ending {
  readonly closer: Side;
  readonly messages: number;
  /** The cable is cut after so many frames, and the next one too. */
  readonly cuts: readonly number[];
}

export const endings: fc.Arbitrary<Ending> = fc.record({
  closer: side,
  messages: fc.nat({ max: 20 }),
  cuts: fc.array(fc.nat({ max: 6 }), { maxLength: 3 }),
});
