import { describe, expect, it, test } from 'vitest';
import { type ClientOptions, resolveOptions } from '../../../src/core/options.js';
import { thrown } from '../../support/thrown.js';

/** Builds `{ a: { b: value } }` from 'a.b'. */
function optionsWith(name: string, value: unknown): ClientOptions {
  return name.split('.').reduceRight<unknown>((inner, key) => ({ [key]: inner }), value) as ClientOptions;
}

describe('options that are omitted', () => {
  it('have the defaults', () => {
    expect(resolveOptions({})).toEqual({
      connectTimeoutMs: 10_000,
      closeTimeoutMs: 5_000,
      reconnect: { minDelayMs: 500, maxDelayMs: 30_000, maxAttempts: Number.POSITIVE_INFINITY },
      protocols: [],
      maxMessageBytes: 16 * 1024 * 1024,
      inbox: { maxMessages: 10_000, maxBytes: 32 * 1024 * 1024 },
      outbox: { highWaterBytes: 1024 * 1024, maxBytes: 16 * 1024 * 1024 },
      liveness: { pingMs: 15_000, timeoutMs: 10_000 },
      node: {},
    });
  });

  it('have the defaults in a group where another option is set', () => {
    const settings = resolveOptions({ reconnect: { maxAttempts: 3 }, inbox: { maxMessages: 5 }, liveness: { pingMs: 50 } });
    expect(settings.reconnect).toEqual({ minDelayMs: 500, maxDelayMs: 30_000, maxAttempts: 3 });
    expect(settings.inbox).toEqual({ maxMessages: 5, maxBytes: 32 * 1024 * 1024 });
    expect(settings.liveness).toEqual({ pingMs: 50, timeoutMs: 10_000 });
  });

  it('are adjusted to an adjacent bound that would contradict the default', () => {
    expect(resolveOptions({ outbox: { maxBytes: 1000 } }).outbox).toEqual({ highWaterBytes: 1000, maxBytes: 1000 });
    expect(resolveOptions({ reconnect: { minDelayMs: 60_000 } }).reconnect).toMatchObject({ minDelayMs: 60_000, maxDelayMs: 60_000 });
  });
});

describe('options that are set', () => {
  it('are used', () => {
    const node = { headers: { authorization: 'Bearer x' } };
    const settings = resolveOptions({ connectTimeoutMs: 1, closeTimeoutMs: 2, protocols: ['chat', 'v2.chat'], maxMessageBytes: 3, node });
    expect(settings).toMatchObject({ connectTimeoutMs: 1, closeTimeoutMs: 2, protocols: ['chat', 'v2.chat'], maxMessageBytes: 3, node });
  });

  it('switch a feature off with false', () => {
    expect(resolveOptions({ reconnect: false, liveness: false })).toMatchObject({ reconnect: undefined, liveness: undefined });
  });
});

describe('an unknown option name', () => {
  test.each([
    ['sesion', 'session'],
    ['origin', undefined],
    ['onmessage', undefined],
    ['reconnect.maxAttempt', 'reconnect.maxAttempts'],
    ['inbox.messages', undefined],
    ['outbox.maxByte', 'outbox.maxBytes'],
    ['liveness.ping', 'liveness.pingMs'],
  ])('%s throws INVALID_OPTION, and the error suggests the intended name', (name, meant) => {
    const error = thrown(() => resolveOptions(optionsWith(name, 1)));
    expect(error.code).toBe('INVALID_OPTION');
    expect(error.context).toEqual({ option: name, value: 1, known: expect.any(Array) });
    if (meant !== undefined) expect(error.context.known).toContain(meant.split('.').at(-1));
    expect(error.message).toMatch(new RegExp(`${name} does not exist\\. Did you mean .*${meant?.split('.').at(-1) ?? ''}`));
  });

  it('is reported with all known names when none is similar', () => {
    expect(thrown(() => resolveOptions(optionsWith('inbox.size', 1))).message).toMatch(/Did you mean maxMessages, maxBytes\?/);
  });

  it('is ignored when its value is undefined', () => {
    expect(() => resolveOptions({ sesion: undefined, inbox: { size: undefined } } as never)).not.toThrow();
  });

  it("may be an option of Node's TLS, which is passed on", () => {
    expect(() => resolveOptions({ node: { rejectUnauthorized: false } })).not.toThrow();
  });
});

describe('an option of the wrong type', () => {
  test.each([
    ['onMessage', 5],
    ['onMessage', null],
    ['signal', 5],
    ['signal', null],
    ['session', true],
    ['session', () => undefined],
    ['transport', 'WebSocketStream'],
    ['reconnect', true],
    ['reconnect', null],
    ['inbox', 5],
    ['outbox', null],
    ['liveness', 'never'],
    ['node', 5],
    ['retryFirstAttempt', 'yes'],
    ['retryFirstAttempt', null],
  ])('%s with the value %s throws INVALID_OPTION', (name, value) => {
    const error = thrown(() => resolveOptions(optionsWith(name, value)));
    expect(error.code).toBe('INVALID_OPTION');
    expect(error.context).toEqual({ option: name, value });
  });
});

const bounds = [
  'connectTimeoutMs',
  'closeTimeoutMs',
  'reconnect.minDelayMs',
  'reconnect.maxDelayMs',
  'reconnect.maxAttempts',
  'maxMessageBytes',
  'inbox.maxMessages',
  'inbox.maxBytes',
  'outbox.highWaterBytes',
  'outbox.maxBytes',
  'liveness.pingMs',
  'liveness.timeoutMs',
];

describe('a bound', () => {
  const nonsense = [0, -1, Number.NaN, Number.NEGATIVE_INFINITY, '100', null, true, {}];

  test.each(bounds.flatMap((name) => nonsense.map((value) => ({ name, value }))))(
    '$name of $value throws INVALID_OPTION',
    ({ name, value }) => {
      const error = thrown(() => resolveOptions(optionsWith(name, value)));
      expect(error.code).toBe('INVALID_OPTION');
      expect(error.context).toEqual({ option: name, value });
      expect(error.message).toContain(name);
    },
  );

  // A timer takes 31 bits of milliseconds and fires immediately beyond them.
  const times = bounds.filter((name) => name.endsWith('Ms'));

  test.each(times.flatMap((name) => [2 ** 31, Number.POSITIVE_INFINITY].map((value) => ({ name, value }))))(
    '$name of $value throws INVALID_OPTION, because it exceeds the range of a timer',
    ({ name, value }) => {
      const error = thrown(() => resolveOptions(optionsWith(name, value)));
      expect(error.code).toBe('INVALID_OPTION');
      expect(error.context).toEqual({ option: name, value });
    },
  );

  test.each(times)('%s may be as long as a timer allows', (name) => {
    expect(() => resolveOptions(optionsWith(name, 2 ** 31 - 1))).not.toThrow();
  });

  it('on attempts may be infinite', () => {
    expect(resolveOptions({ reconnect: { maxAttempts: Number.POSITIVE_INFINITY } }).reconnect?.maxAttempts).toBe(Number.POSITIVE_INFINITY);
  });
});

describe('protocols', () => {
  test.each([
    ['a string instead of a list', 'chat'],
    ['an empty name', ['']],
    ['a name twice', ['chat', 'chat']],
    ['a space', ['my chat']],
    ['a comma', ['a,b']],
    ['a letter beyond ASCII', ['späti']],
    ['not a string', [1]],
  ])('INVALID_OPTION: %s', (_, protocols) => {
    const error = thrown(() => resolveOptions({ protocols: protocols as never }));
    expect(error.code).toBe('INVALID_OPTION');
    expect(error.context).toEqual({ option: 'protocols', value: protocols });
  });

  it('may be any distinct tokens of HTTP', () => {
    const protocols = ['chat', 'v2.chat', "!#$%&'*+-.^_`|~09AZaz"];
    expect(resolveOptions({ protocols }).protocols).toEqual(protocols);
  });
});
