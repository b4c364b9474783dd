import NativeWebSocket from 'isomorphic-ws';
import { publicAddress } from '../../core/address.js';
import { WebsocketError } from '../../core/errors.js';
import type { Platform } from '../../core/platform.js';
import { systemClock } from '../../core/system-clock.js';
import { type WhatwgWebSocket, WhatwgWire } from '../../core/whatwg-wire.js';
import type { DialRequest, Wire, WireEvents } from '../../core/wire.js';
import { pageLifecycle } from './lifecycle.js';
import { makeEndOfTurn } from './turn.js';

function dial(request: DialRequest, events: WireEvents): Wire {
  if (NativeWebSocket === null) {
    throw new WebsocketError('UNSUPPORTED', 'This page has no WebSocket.', { platform: 'browser' });
  }
  const socket = new NativeWebSocket(request.url.href, [...request.protocols]) as unknown as WhatwgWebSocket;
  return new WhatwgWire(socket, events, {
    address: publicAddress(request.url),
    protocols: request.protocols,
    maxMessageBytes: request.maxMessageBytes,
    clock: systemClock,
  });
}

/** A page or a worker of one: the native WebSocket, and the life of the page. */
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
