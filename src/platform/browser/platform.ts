import NativeWebSocket from 'isomorphic-ws';
import { systemClock } from '../../core/clock.js';
import { makeError } from '../../core/errors.js';
import type { Platform } from '../../core/platform.js';
import type { DialRequest, Transport, TransportEvents } from '../../core/transport.js';
import { WhatwgTransport, type WhatwgWebSocket } from '../../core/whatwg-transport.js';
import { makeEndOfTurn } from './end-of-turn.js';
import { pageLifecycle } from './lifecycle.js';

function dial(request: DialRequest, events: TransportEvents): Transport {
  if (NativeWebSocket === null) throw makeError('UNSUPPORTED', { platform: 'browser' });
  const socket = new NativeWebSocket(request.url.href, request.protocols as string[]) as unknown as WhatwgWebSocket;
  return new WhatwgTransport(socket, events, request, systemClock);
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
