import { publicAddress } from '../../core/address.js';
import type { DialFeature } from '../../core/client-parts.js';
import { makeError } from '../../core/errors.js';
import type { TransportFeature } from '../../core/types.js';
import { type NativeStream, StreamTransport } from './stream-transport.js';

type NativeStreamConstructor = new (url: string, options: { protocols: string[] }) => NativeStream;

/**
 * Connects with the browser's WebSocketStream instead of its WebSocket; for the option `transport` of a client. A WebSocketStream can
 * stop reading, so a full inbox slows the sender down; a WebSocket of a page can only be closed then (`INBOX_FULL`).
 *
 * Only Chromium has it (124 and later, in pages and in dedicated workers). For all browsers:
 * `transport: 'WebSocketStream' in globalThis ? webSocketStream() : undefined`. Chromium 156 crashes the page if the connection
 * fails during a write: use it in pages that read much and write little.
 *
 * @throws {WebsocketError} `UNSUPPORTED`, at the call, if there is no WebSocketStream.
 */
export function webSocketStream(): TransportFeature {
  const { WebSocketStream } = globalThis as { WebSocketStream?: NativeStreamConstructor };
  if (WebSocketStream === undefined) throw makeError('UNSUPPORTED', { option: 'transport' });
  const feature: DialFeature = {
    name: 'WebSocketStream',
    dial: ({ url, protocols, maxMessageBytes }, events) => {
      const stream = new WebSocketStream(url.href, { protocols: [...protocols] });
      return new StreamTransport(stream, events, { address: publicAddress(url), maxMessageBytes });
    },
  };
  return feature;
}
