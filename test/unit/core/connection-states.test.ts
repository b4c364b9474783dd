import fc from 'fast-check';
import { describe, expect, it, test } from 'vitest';
import { AcceptingConnection } from '../../../src/core/accepting-connection.js';
import type { Channel, ChannelControl, MakeChannel } from '../../../src/core/channel.js';
import type { ConnectionOwner } from '../../../src/core/client-connection.js';
import { abnormalClose } from '../../../src/core/close-codes.js';
import { WebsocketError } from '../../../src/core/errors.js';
import { redial } from '../../../src/core/machine.js';
import { type ConnectOptions, resolveOptions } from '../../../src/core/options.js';
import type { Recover } from '../../../src/core/state.js';
import type { TransportEvents } from '../../../src/core/transport.js';
import type { ConnectionState, Continuity } from '../../../src/core/types.js';
import { MemoryPlatform } from '../../support/memory-platform.js';
import { MemoryTransport } from '../../support/memory-transport.js';

const abnormal = { code: 1006, reason: '', wasClean: false };
const refused = new WebsocketError('CONNECT_FAILED', 'refused');
const tooSlow = new WebsocketError('TOO_SLOW', 'too slow');
const overload = { code: 1013, reason: 'TOO_SLOW', wasClean: false };
const CONTINUITY: Continuity = { resumed: false, replayed: 0, lost: undefined, reason: 'A test.' };

/** The recovery of the plain channel, of a session's client, and of a session's server. */
const recoveries: Record<'plain' | 'client' | 'server', Recover> = {
  plain: (loss, policy, chance) => (loss.goodbye === undefined ? redial(loss, policy, chance) : undefined),
  client: (loss, policy, chance) =>
    loss.goodbye !== undefined && (loss.goodbye.isFinal || loss.isOver) ? undefined : redial(loss, policy, chance),
  server: ({ hasOpened, isOver, goodbye }) =>
    !hasOpened || isOver || goodbye?.isFinal ? undefined : { delayMs: 120_000, action: abnormalClose('Not resumed.') },
};

type Kind = keyof typeof recoveries;

interface Setup extends ConnectOptions {
  readonly retryFirstAttempt?: boolean;
}

/** A connection whose timers, transports, channel calls and reports are recorded, one line each, in order. */
class Recorder {
  readonly platform = new MemoryPlatform();
  readonly connection: AcceptingConnection;
  readonly accepted: MemoryTransport[] = [];
  control: ChannelControl | undefined;
  #lines: string[] = [];

  constructor(kind: Kind, { retryFirstAttempt = false, ...options }: Setup = {}) {
    const { platform } = this;
    const { clock } = platform;
    const recorded = {
      ...platform,
      random: () => 0.5,
      clock: {
        now: () => clock.now(),
        after: (delayMs: number, call: () => void) => {
          this.#write(`timer ${delayMs}`);
          return clock.after(delayMs, call);
        },
      },
      dial: (...request: Parameters<MemoryPlatform['dial']>) => {
        this.#write('dial');
        return this.#watch(platform.dial(...request));
      },
    };
    const settings = resolveOptions({ liveness: false, ...options });
    const target = kind === 'server' ? undefined : () => new URL('wss://example.com/');
    this.connection = new AcceptingConnection(recorded, settings, retryFirstAttempt, target, this.#makeChannel(kind), this.#owner());
  }

  get transport(): MemoryTransport {
    return this.transports.at(-1) as MemoryTransport;
  }

  get transports(): readonly MemoryTransport[] {
    return this.accepted.length > 0 ? this.accepted : this.platform.transports;
  }

  /** The lines since the last call. */
  take(): string[] {
    return this.#lines.splice(0);
  }

  accept(): boolean {
    const events: TransportEvents = { opened() {}, received() {}, alive() {}, pong() {}, drained() {}, closed() {} };
    const request = { url: new URL('wss://example.com/'), protocols: [], maxMessageBytes: 0, closeTimeoutMs: 0, node: {} };
    const transport = this.#watch(new MemoryTransport(request, events, { canPing: true, canPause: true }));
    this.accepted.push(transport);
    return this.connection.accept(transport);
  }

  /** Fires the next timer. */
  async timeout(): Promise<void> {
    await this.platform.clock.advance(this.platform.clock.nextDelayMs ?? 0);
  }

  #write(line: string): void {
    this.#lines.push(line);
  }

  #watch(transport: MemoryTransport): MemoryTransport {
    const detach = transport.detach.bind(transport);
    transport.detach = (code, reason) => {
      this.#write(code === undefined ? 'destroy transport' : `close transport ${code} ${reason}`);
      detach(code, reason);
    };
    return transport;
  }

  /** Becomes ready as soon as its transport is open, and leaves the answer to a close frame to the test. */
  #makeChannel(kind: Kind): MakeChannel {
    return ({ control }) => {
      this.control = control;
      const channel: Channel = {
        bufferedBytes: 0,
        offer: (protocols) => protocols,
        protocolOf: (transport) => transport.protocol,
        send: () => 0,
        attach: () => control.ready(CONTINUITY),
        detach: () => this.#write('detach channel'),
        received: () => {},
        drained: () => {},
        consumed: () => {},
        close: (code, reason) => this.#write(`close channel ${code} ${reason}`),
        end: () => ({ messages: 0, bytes: 0 }),
        recover: recoveries[kind],
        resumes: kind !== 'plain',
        isDone: kind === 'plain',
        holdsPeer: kind !== 'plain',
      };
      return channel;
    };
  }

  #owner(): ConnectionOwner {
    const codeOf = (cause: unknown) => (cause as { code: unknown }).code;
    return {
      stateChanged: (now, before) => this.#write(`${before} -> ${now}`),
      opened: (isFirst, continuity) =>
        this.#write(`opened ${isFirst ? 'first' : 'again'}${continuity === CONTINUITY ? '' : ' unlike the channel'}`),
      retrying: ({ attempt, delayMs, cause }) => this.#write(`retrying ${attempt} in ${delayMs} after ${codeOf(cause)}`),
      failed: (error) => this.#write(`failed ${error.code}`),
      closed: ({ code, reason }, cause) => this.#write(`closed ${code} ${reason}${cause === undefined ? '' : `: ${cause.code}`}`),
      undelivered: () => {},
      deliver: () => {},
      sent: () => {},
      shed: () => {},
      drained: () => {},
      measured: () => {},
    };
  }
}

/** In every state but idle there was a transport before the present one. */
function dialing(setup?: Setup): Recorder {
  const recorder = new Recorder('plain', setup);
  recorder.connection.connect();
  recorder.connection.suspended();
  recorder.connection.retryNow();
  return recorder;
}

function opened(): Recorder {
  const recorder = dialing();
  recorder.transport.accept();
  return recorder;
}

function lost(): Recorder {
  const recorder = opened();
  recorder.transport.breakOff();
  return recorder;
}

const states = {
  idle: () => new Recorder('plain'),
  'dialing for the first time': () => dialing(),
  'dialing again, never open': () => {
    const recorder = dialing({ retryFirstAttempt: true });
    recorder.transport.refuse(refused);
    recorder.connection.retryNow();
    return recorder;
  },
  'dialing again': () => {
    const recorder = lost();
    recorder.connection.retryNow();
    return recorder;
  },
  open: opened,
  waiting: lost,
  closing: () => {
    const recorder = opened();
    recorder.connection.close(4000, 'done');
    return recorder;
  },
  closed: () => {
    const recorder = opened();
    recorder.transport.closeFromPeer();
    return recorder;
  },
} as const satisfies Record<string, () => Recorder>;

const events = {
  connect: ({ connection }) => connection.connect(),
  opened: ({ transports }) => transports.at(-1)?.events.opened(),
  'late opened': ({ transports }) => transports.at(-2)?.events.opened(),
  lost: ({ transports }) => transports.at(-1)?.events.closed(abnormal),
  'lost with an error': ({ transports }) => transports.at(-1)?.events.closed(abnormal, refused),
  'late lost': ({ transports }) => transports.at(-2)?.events.closed(abnormal, refused),
  timeout: (recorder) => recorder.timeout(),
  suspended: ({ connection }) => connection.suspended(),
  woken: ({ connection }) => connection.woken(),
  close: ({ connection }) => connection.close(4000, 'done'),
  exit: ({ connection }) => connection.exiting(),
  terminate: ({ connection }) => connection.terminate(overload, tooSlow),
} as const satisfies Record<string, (recorder: Recorder) => unknown>;

type StateName = keyof typeof states;
type EventName = keyof typeof events;

function terminated(state: ConnectionState): readonly string[] {
  return ['detach channel', 'close transport 1013 TOO_SLOW', `${state} -> closed`, 'failed TOO_SLOW', 'closed 1013 TOO_SLOW: TOO_SLOW'];
}

/** All actions and reports of a connection, in order; an event that is not listed changes nothing. */
const table: Record<StateName, Partial<Record<EventName, readonly string[]>>> = {
  idle: {
    connect: ['timer 10000', 'dial', 'idle -> connecting'],
    close: ['idle -> closed', 'closed 1006 done'],
    exit: ['idle -> closed', 'closed 1006 process exit'],
  },
  'dialing for the first time': {
    opened: ['timer 5000', 'connecting -> open', 'opened first'],
    lost: ['detach channel', 'connecting -> closed', 'failed CONNECT_FAILED', 'closed 1006 : CONNECT_FAILED'],
    'lost with an error': ['detach channel', 'connecting -> closed', 'failed CONNECT_FAILED', 'closed 1006 : CONNECT_FAILED'],
    timeout: [
      'detach channel',
      'destroy transport',
      'connecting -> closed',
      'failed CONNECT_TIMEOUT',
      'closed 1006 No connection within 10000 ms. Check that a WebSocket server (with session(), a gemsocket server) answers there, or raise connectTimeoutMs.: CONNECT_TIMEOUT',
    ],
    suspended: ['detach channel', 'close transport 1001 page hidden', 'connecting -> reconnecting', 'retrying 1 in Infinity after 1001'],
    close: ['detach channel', 'destroy transport', 'connecting -> closed', 'closed 1006 done'],
    exit: ['detach channel', 'destroy transport', 'connecting -> closed', 'closed 1006 process exit'],
    terminate: terminated('connecting'),
  },
  'dialing again, never open': {
    opened: ['timer 5000', 'reconnecting -> open', 'opened first'],
    lost: ['detach channel', 'timer 500', 'retrying 2 in 500 after CONNECT_FAILED'],
    'lost with an error': ['detach channel', 'timer 500', 'retrying 2 in 500 after CONNECT_FAILED'],
    timeout: ['detach channel', 'destroy transport', 'timer 500', 'retrying 2 in 500 after CONNECT_TIMEOUT'],
    suspended: ['detach channel', 'close transport 1001 page hidden', 'retrying 2 in Infinity after 1001'],
    close: ['detach channel', 'destroy transport', 'reconnecting -> closed', 'closed 1006 done'],
    exit: ['detach channel', 'destroy transport', 'reconnecting -> closed', 'closed 1006 process exit'],
    terminate: terminated('reconnecting'),
  },
  'dialing again': {
    opened: ['timer 5000', 'reconnecting -> open', 'opened again'],
    lost: ['detach channel', 'timer 500', 'retrying 2 in 500 after 1006'],
    'lost with an error': ['detach channel', 'timer 500', 'retrying 2 in 500 after CONNECT_FAILED'],
    timeout: ['detach channel', 'destroy transport', 'timer 500', 'retrying 2 in 500 after CONNECT_TIMEOUT'],
    suspended: ['detach channel', 'close transport 1001 page hidden', 'retrying 2 in Infinity after 1001'],
    close: ['detach channel', 'destroy transport', 'reconnecting -> closed', 'closed 1006 done'],
    exit: ['detach channel', 'destroy transport', 'reconnecting -> closed', 'closed 1006 process exit'],
    terminate: terminated('reconnecting'),
  },
  open: {
    lost: ['detach channel', 'timer 250', 'open -> reconnecting', 'retrying 1 in 250 after 1006'],
    'lost with an error': [
      'detach channel',
      'timer 250',
      'open -> reconnecting',
      'failed CONNECT_FAILED',
      'retrying 1 in 250 after CONNECT_FAILED',
    ],
    suspended: ['detach channel', 'close transport 1001 page hidden', 'open -> reconnecting', 'retrying 1 in Infinity after 1001'],
    close: ['timer 5000', 'close channel 4000 done', 'open -> closing'],
    exit: ['timer 5000', 'close channel 1001 process exit', 'open -> closing'],
    terminate: terminated('open'),
  },
  waiting: {
    timeout: ['timer 10000', 'dial'],
    woken: ['timer 10000', 'dial'],
    close: ['reconnecting -> closed', 'closed 1006 done'],
    exit: ['reconnecting -> closed', 'closed 1006 process exit'],
    terminate: ['reconnecting -> closed', 'failed TOO_SLOW', 'closed 1013 TOO_SLOW: TOO_SLOW'],
  },
  closing: {
    lost: ['detach channel', 'closing -> closed', 'closed 1006 '],
    'lost with an error': ['detach channel', 'closing -> closed', 'failed CONNECT_FAILED', 'closed 1006 : CONNECT_FAILED'],
    timeout: ['detach channel', 'destroy transport', 'closing -> closed', 'closed 1006 No answer to the close frame within 5000 ms.'],
    terminate: terminated('closing'),
  },
  closed: {},
};

describe('the actions of a connection in every state for every event', () => {
  const combinations = (Object.keys(states) as StateName[]).flatMap((state) =>
    (Object.keys(events) as EventName[]).map((event) => ({ state, event })),
  );

  test.each(combinations)('$state, $event', async ({ state, event }) => {
    const recorder = states[state]();
    recorder.take();
    await events[event](recorder);
    expect(recorder.take()).toEqual(table[state][event] ?? []);
    if (recorder.connection.state === 'closed') expect(recorder.platform.clock.pendingTimers).toBe(0);
  });
});

describe('an open connection', () => {
  it('reconnects with a short delay once it has lasted, and with a longer one before that', async () => {
    const recorder = lost();
    await recorder.timeout();
    recorder.transport.accept();
    await recorder.platform.clock.advance(4_999);
    recorder.take();
    recorder.transport.breakOff();
    expect(recorder.take()).toContain('retrying 2 in 500 after 1006');
    await recorder.timeout();
    recorder.transport.accept();
    await recorder.platform.clock.advance(5_000);
    recorder.take();
    recorder.transport.breakOff();
    expect(recorder.take()).toContain('retrying 1 in 250 after 1006');
  });

  it('is closed with 1001 by a hidden page when `reconnect` is false', () => {
    const recorder = new Recorder('plain', { reconnect: false });
    recorder.connection.connect();
    recorder.transport.accept();
    recorder.take();
    recorder.connection.suspended();
    expect(recorder.take()).toEqual(['detach channel', 'close transport 1001 page hidden', 'open -> closed', 'closed 1001 page hidden']);
  });

  it('has no timer while suspended, and connects when it is woken', () => {
    const recorder = opened();
    recorder.connection.suspended();
    expect(recorder.platform.clock.pendingTimers).toBe(0);
    recorder.take();
    recorder.connection.woken();
    expect(recorder.take()).toEqual(['timer 10000', 'dial']);
  });

  it('reports a normal close by the peer without an error', () => {
    const recorder = opened();
    recorder.take();
    recorder.transport.closeFromPeer(1000, 'bye');
    expect(recorder.take()).toEqual(['detach channel', 'open -> closed', 'closed 1000 bye']);
  });
});

describe('close() of a connection whose channel resumes', () => {
  function closing(): Recorder {
    const recorder = new Recorder('client');
    recorder.connection.connect();
    recorder.transport.accept();
    recorder.connection.close(4000, 'done');
    recorder.take();
    return recorder;
  }

  it('reconnects within its deadline when the transport is lost, and reports only the end', async () => {
    const recorder = closing();
    recorder.transport.breakOff();
    expect(recorder.take()).toEqual(['detach channel', 'timer 250']);
    await recorder.timeout();
    expect(recorder.take()).toEqual(['timer 10000', 'dial']);
    recorder.transport.accept();
    expect(recorder.take()).toEqual([]);
    recorder.transport.closeFromPeer(4000, 'done');
    expect(recorder.take()).toEqual(['detach channel', 'timer 500']);
    await recorder.platform.clock.advance(5_000);
    expect(recorder.take()).toEqual(
      expect.arrayContaining(['destroy transport', 'closing -> closed', 'closed 1006 No answer to the close frame within 5000 ms.']),
    );
    expect(recorder.platform.clock.pendingTimers).toBe(0);
  });

  it('ends when both sides know that the session is over', () => {
    const recorder = closing();
    recorder.control?.ended({ code: 4000, reason: 'done', wasClean: true });
    expect(recorder.take()).toEqual(['close transport 4000 done', 'detach channel', 'closing -> closed', 'closed 4000 done']);
  });

  it.each([
    ['waits', () => {}],
    ['dials', (recorder: Recorder) => recorder.connection.retryNow()],
  ])('closes the channel, which sends over the next transport, while it %s after a disconnect', (_what, prepare) => {
    const recorder = new Recorder('client');
    recorder.connection.connect();
    recorder.transport.accept();
    recorder.transport.breakOff();
    prepare(recorder);
    recorder.take();
    recorder.connection.close(4000, 'done');
    expect(recorder.take()).toEqual(['timer 5000', 'close channel 4000 done', 'reconnecting -> closing']);
    recorder.connection.close(4000, 'done');
    expect(recorder.take()).toEqual([]);
  });
});

describe("the server's side of a session", () => {
  function accepted(): Recorder {
    const recorder = new Recorder('server');
    expect(recorder.accept()).toBe(true);
    recorder.connection.connect();
    return recorder;
  }

  it('opens over the transport that it was given and creates none', () => {
    const reported = ['idle -> connecting', 'connecting -> open', 'opened first'];
    expect(accepted().take()).toEqual(['timer 10000', 'timer 5000', ...reported]);
  });

  it('waits for its client during the resume window', async () => {
    const recorder = accepted();
    recorder.take();
    recorder.transport.breakOff();
    expect(recorder.take()).toEqual(['detach channel', 'timer 120000', 'open -> reconnecting', 'retrying 1 in 120000 after 1006']);
    recorder.connection.woken();
    expect(recorder.take()).toEqual([]);
    await recorder.timeout();
    expect(recorder.take()).toEqual(['reconnecting -> closed', 'closed 1006 Not resumed.']);
    expect(recorder.accept()).toBe(false);
  });

  it('continues over a new transport while it waits', () => {
    const recorder = accepted();
    recorder.transport.breakOff();
    recorder.take();
    expect(recorder.accept()).toBe(true);
    expect(recorder.take()).toEqual(['timer 10000', 'timer 5000', 'reconnecting -> open', 'opened again']);
  });

  it('continues over a new transport before the old one has closed, and closes the old one with 4409', () => {
    const recorder = accepted();
    recorder.take();
    expect(recorder.accept()).toBe(true);
    expect(recorder.take()).toEqual([
      'detach channel',
      'close transport 4409 taken over',
      'timer 10000',
      'timer 5000',
      'open -> reconnecting',
      'retrying 1 in 0 after 1006',
      'reconnecting -> open',
      'opened again',
    ]);
    const [old] = recorder.accepted;
    old?.events.closed(abnormal, refused);
    expect(recorder.take()).toEqual([]);
  });

  it('delivers the remaining messages over a new transport after close(), and reports only the end', () => {
    const recorder = accepted();
    recorder.connection.close(4000, 'done');
    recorder.take();
    expect(recorder.accept()).toBe(true);
    expect(recorder.take()).toEqual(['detach channel', 'close transport 4409 taken over', 'timer 10000']);
    recorder.control?.ended({ code: 4000, reason: 'done', wasClean: true });
    expect(recorder.take()).toEqual(['close transport 4000 done', 'detach channel', 'closing -> closed', 'closed 4000 done']);
  });

  it('ignores a new transport once close() is final', () => {
    const recorder = accepted();
    recorder.connection.close(4000, 'done', true);
    recorder.take();
    expect([recorder.accept(), recorder.take()]).toEqual([false, []]);
  });

  it.each([
    ['with the code that it has', overload, 'close transport 1013 TOO_SLOW'],
    ['without a closing handshake where it has none', abnormal, 'destroy transport'],
  ])('terminates its client %s', (_what, info, transport) => {
    const recorder = accepted();
    recorder.take();
    recorder.connection.terminate(info, undefined);
    expect(recorder.take()).toEqual(['detach channel', transport, 'open -> closed', `closed ${info.code} ${info.reason}`]);
  });
});

describe('a ping', () => {
  it.each<[Kind, number]>([
    ['plain', 0],
    ['client', 1],
  ])(
    'of a %s connection that closes is sent %i times: a close frame that can be sent again does not wait for an unresponsive transport',
    async (kind, pings) => {
      const recorder = new Recorder(kind, { liveness: { pingMs: 1_000, timeoutMs: 1_000 } });
      recorder.connection.connect();
      recorder.transport.accept();
      recorder.connection.close(4000, 'done');
      await recorder.platform.clock.advance(1_500);
      expect(recorder.transport.pings).toBe(pings);
    },
  );
});

type Step = readonly [name: string, act: (recorder: Recorder, transport: MemoryTransport | undefined) => unknown];

const steps: readonly Step[] = [
  ['connect', ({ connection }) => connection.connect()],
  ['open', (_recorder, transport) => transport?.isOpen || transport?.accept()],
  ['open', (_recorder, transport) => transport?.isOpen || transport?.accept()],
  ['lose', (_recorder, transport) => transport?.breakOff()],
  ['late lose', ({ transports }) => transports.at(-2)?.events.closed(abnormal)],
  ['close by peer', (_recorder, transport) => transport?.closeFromPeer(1000)],
  ['restart of peer', (_recorder, transport) => transport?.closeFromPeer(1012)],
  ['fail', ({ control }) => control?.fail(1002, refused)],
  ['retry after', ({ control }) => control?.retryAfter(7_000)],
  ['time', (recorder) => recorder.timeout()],
  ['time', (recorder) => recorder.timeout()],
  ['suspend', ({ connection }) => connection.suspended()],
  ['wake', ({ connection }) => connection.woken()],
  ['close', ({ connection }) => connection.close(4000, 'done')],
  ['exit', ({ connection }) => connection.exiting()],
  ['terminate', ({ connection }) => connection.terminate(overload, tooSlow)],
];

/** The minimum and maximum number of timers of each state, without the deadline of `close`. */
const timers: Record<ConnectionState, readonly [least: number, most: number]> = {
  idle: [0, 0],
  connecting: [1, 1],
  open: [0, 1],
  reconnecting: [0, 1],
  closing: [1, 2],
  closed: [0, 0],
};

function checkRecorder({ connection, platform, transports }: Recorder): void {
  const { state } = connection;
  const live = transports.filter((transport) => transport.isLive);
  expect(live.length, `${state}: one transport at the most`).toBeLessThanOrEqual(1);
  if (state === 'connecting' || state === 'open') expect(live, `${state} has a transport`).toHaveLength(1);
  if (state === 'idle' || state === 'closed') expect(live, `${state} has no transport`).toHaveLength(0);
  const [least, most] = timers[state];
  expect(platform.clock.pendingTimers, `${state} and its timers`).toBeGreaterThanOrEqual(least);
  expect(platform.clock.pendingTimers, `${state} and its timers`).toBeLessThanOrEqual(most);
}

/** Each report follows from the one before, and the last is `closed`. */
function checkReports(lines: readonly string[], state: ConnectionState): void {
  const changes = lines.filter((line) => line.includes(' -> ')).map((line) => line.split(' -> '));
  expect(changes.map(([before]) => before)).toEqual(['idle', ...changes.map(([, now]) => now)].slice(0, changes.length));
  expect(changes.at(-1)?.[1] ?? 'idle').toBe(state);
  expect(lines.filter((line) => line.startsWith('closed '))).toHaveLength(state === 'closed' ? 1 : 0);
  if (state === 'closed') expect(lines.at(-1)).toMatch(/^closed /);
  const openings = lines.filter((line) => line.startsWith('opened '));
  expect(openings).toEqual(openings.map((_line, index) => (index === 0 ? 'opened first' : 'opened again')));
}

describe('any sequence of events', () => {
  it('leaves at most one transport, a timer for every wait, and one final report', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.constantFrom<Kind>('plain', 'client'),
        fc.boolean(),
        fc.array(fc.constantFrom(...steps), { maxLength: 25 }),
        async (kind, retryFirstAttempt, path) => {
          const recorder = new Recorder(kind, { retryFirstAttempt });
          for (const [, act] of path) {
            await act(recorder, recorder.transports.at(-1));
            checkRecorder(recorder);
          }
          checkReports(recorder.take(), recorder.connection.state);
        },
      ),
      { numRuns: 300, seed: 42 },
    );
  });
});
