import NativeWebSocket from 'isomorphic-ws';
import { systemClock } from '../../core/clock.js';
import { makeError } from '../../core/errors.js';
import type { Lifecycle, Platform } from '../../core/platform.js';
import type { DialRequest, Transport, TransportEvents } from '../../core/transport.js';
import { WhatwgTransport, type WhatwgWebSocket } from '../../core/whatwg-transport.js';

function dial(request: DialRequest, events: TransportEvents): Transport {
  if (NativeWebSocket === null) throw makeError('UNSUPPORTED', { platform: 'browser' });
  const socket = new NativeWebSocket(request.url.href, request.protocols as string[]) as unknown as WhatwgWebSocket;
  return new WhatwgTransport(socket, events, request, systemClock);
}

/**
 * The lifecycle of a page, from the window (visibilitychange bubbles up to it) or, in a worker, from its global scope.
 * `pagehide` closes the connection: a page restored from the back/forward cache would have a dead socket (Firefox does not cache a
 * page with an open one, and decides before the event). `pageshow` of a restored page, `online` and becoming visible make the client
 * reconnect at once, or check a connection that looks open.
 */
export const pageLifecycle: Lifecycle = {
  isVisible: () => globalThis.document?.visibilityState === 'visible',
  watch(listener) {
    const watching = new AbortController();
    const { signal } = watching;
    addEventListener('pagehide', ({ persisted }) => listener.suspended(!persisted), { signal });
    for (const waker of ['pageshow', 'online', 'visibilitychange']) {
      addEventListener(
        waker,
        ({ target }) => {
          const { visibilityState = 'visible' } = target as Partial<Document>;
          if (visibilityState === 'visible') listener.woken();
        },
        { signal },
      );
    }
    return () => watching.abort();
  },
};

/**
 * The first call of a turn runs with its microtasks, so that a single message is not delayed; the later calls of the same turn run
 * together at its end. A message port signals the end: unlike a timer, it is not throttled in a hidden page.
 */
export function makeEndOfTurn(): (call: () => void) => void {
  const { port1, port2 } = new MessageChannel();
  const waiting: (() => void)[] = [];
  let isInTurn = false;
  port1.onmessage = () => {
    isInTurn = false;
    for (const call of waiting.splice(0)) call();
  };
  return (call) => {
    if (isInTurn) {
      waiting.push(call);
      return;
    }
    isInTurn = true;
    port2.postMessage(undefined);
    queueMicrotask(call);
  };
}

/** A page or its worker: the native WebSocket, and the page's lifecycle. */
export const browserPlatform: Platform = {
  name: 'browser',
  dial,
  clock: systemClock,
  random: Math.random,
  lifecycle: pageLifecycle,
  makeEndOfTurn,
  report: (error) => console.error(error),
  acceptsNodeOptions: false,
};
