import fc from 'fast-check';
import type { BackplaneFault } from '../../../src/backplane/backplane.js';
import type { Side } from '../../session/support/schedule.js';

export const TOPICS = ['news', 'chat'] as const;

/** What can happen. Any list of these is a schedule. */
export type Move =
  | { readonly do: 'publish'; readonly side: Side; readonly topic: number; readonly bytes: number; readonly isVolatile: boolean }
  | { readonly do: 'abortPublish' }
  | { readonly do: 'subscribe'; readonly topic: number; readonly from: 'now' | 'oldest' | number; readonly windowBytes: number }
  | { readonly do: 'unsubscribe'; readonly which: number }
  | { readonly do: 'read'; readonly which: number; readonly count: number }
  | { readonly do: 'send'; readonly side: Side; readonly bytes: number }
  | { readonly do: 'receive'; readonly side: Side; readonly count: number }
  | { readonly do: 'turn' }
  | { readonly do: 'deliver'; readonly from: Side; readonly frames: number }
  | { readonly do: 'cut'; readonly told: readonly Side[]; readonly isDead: boolean }
  | { readonly do: 'freeze'; readonly isFrozen: boolean }
  | { readonly do: 'refuse'; readonly isRefusing: boolean }
  | { readonly do: 'pass'; readonly ms: number }
  | { readonly do: 'answer'; readonly answer: 'yes' | 'no' | 'later' | number }
  | { readonly do: 'decide'; readonly isPermitted: boolean }
  | { readonly do: 'revoke'; readonly topic: number }
  /** Of the backplane. */
  | { readonly do: 'fail'; readonly call: 'publish' | 'read' | 'watch'; readonly faults: readonly BackplaneFault[] }
  | { readonly do: 'drop'; readonly pushes: number }
  | { readonly do: 'delay'; readonly isDelayed: boolean }
  | { readonly do: 'loseLogs' };

const side = fc.constantFrom<Side>('client', 'server');
const topic = fc.oneof({ weight: 4, arbitrary: fc.constant(0) }, { weight: 1, arbitrary: fc.constant(1) });
const which = fc.nat({ max: 3 });

function moves(entries: readonly (readonly [number, fc.Arbitrary<unknown>])[]): fc.Arbitrary<Move> {
  return fc.oneof(...entries.map(([weight, arbitrary]) => ({ weight, arbitrary }))) as fc.Arbitrary<Move>;
}

const is = <Name extends Move['do']>(name: Name) => fc.constant(name);
const bytes = fc.oneof(fc.nat({ max: 40 }), fc.nat({ max: 700 }));

const lossless = [
  [14, fc.record({ do: is('publish'), side, topic, bytes, isVolatile: fc.constant(false) })],
  // Not larger than a fragment: a record that is not numbered is in one piece.
  [1, fc.record({ do: is('publish'), side, topic, bytes: fc.nat({ max: 100 }), isVolatile: fc.constant(true) })],
  [1, fc.record({ do: is('abortPublish') })],
  [
    4,
    fc.record({
      do: is('subscribe'),
      topic,
      from: fc.oneof(fc.constantFrom<'now' | 'oldest'>('now', 'oldest'), fc.nat({ max: 20 })),
      windowBytes: fc.constantFrom(1_024, 1_500, 262_144),
    }),
  ],
  [1, fc.record({ do: is('unsubscribe'), which })],
  [5, fc.record({ do: is('read'), which, count: fc.integer({ min: 1, max: 10 }) })],
  [2, fc.record({ do: is('send'), side, bytes })],
  [2, fc.record({ do: is('receive'), side, count: fc.integer({ min: 1, max: 10 }) })],
  [6, fc.record({ do: is('turn') })],
  [8, fc.record({ do: is('deliver'), from: side, frames: fc.integer({ min: 1, max: 5 }) })],
  [3, fc.record({ do: is('cut'), told: fc.subarray<Side>(['client', 'server']), isDead: fc.boolean() })],
  [1, fc.record({ do: is('freeze'), isFrozen: fc.boolean() })],
  [1, fc.record({ do: is('refuse'), isRefusing: fc.boolean() })],
  [4, fc.record({ do: is('pass'), ms: fc.oneof(fc.nat({ max: 60 }), fc.nat({ max: 40_000 })) })],
] as const;

const permission = [
  [
    1,
    fc.record({ do: is('answer'), answer: fc.constantFrom<'yes' | 'no' | 'later' | number>('yes', 'yes', 'later', 'later', 'no', 5_000) }),
  ],
  [3, fc.record({ do: is('decide'), isPermitted: fc.boolean() })],
  [1, fc.record({ do: is('revoke'), topic })],
] as const;

const faults = fc.array(fc.constantFrom<BackplaneFault>('down', 'busy', 'full', 'timeout'), { minLength: 1, maxLength: 3 });
const backplane = [
  [2, fc.record({ do: is('fail'), call: fc.constantFrom<'publish' | 'read' | 'watch'>('publish', 'read', 'read', 'watch'), faults })],
  [3, fc.record({ do: is('drop'), pushes: fc.integer({ min: 1, max: 5 }) })],
  [2, fc.record({ do: is('delay'), isDelayed: fc.boolean() })],
] as const;

const list = (arbitrary: fc.Arbitrary<Move>) => fc.array(arbitrary, { minLength: 1, maxLength: 60, size: 'max' });

export const schedules = list(moves([...lossless, ...permission]));
export const schedulesWithFaults = list(moves([...lossless, ...backplane]));
export const schedulesWithLosses = list(moves([...lossless, ...backplane, [1, fc.record({ do: is('loseLogs') })]]));

/** What a topic keeps: mostly all of a schedule, sometimes little, or nothing. */
export const histories = fc.constantFrom(1_000, 1_000, 4, 3, 1, 0);
