import type { Channel } from './channel.js';
import { attemptFailed, type WebsocketError } from './errors.js';
import type { Settings } from './options.js';
import type { Platform } from './platform.js';
import type { Transport, TransportEvents } from './transport.js';

/** Asked before every attempt. A function of the application that throws is a promise that rejects. */
export type Target = () => URL | Promise<URL>;

/** One attempt, as its connection sees it. */
export interface Attempt {
  readonly events: TransportEvents;
  /** False once the connection has given the attempt up. */
  isWanted(): boolean;
  dialed(transport: Transport): void;
  failed(error: WebsocketError): void;
}

/** Asks for the address, then starts the opening handshake: at once where the address is known. */
export function dial(platform: Platform, settings: Settings, target: Target, channel: Channel, attempt: Attempt): void {
  const dialUrl = (url: URL) => {
    if (!attempt.isWanted()) return;
    const { protocols, maxMessageBytes } = settings;
    let transport: Transport;
    try {
      transport = platform.dial(
        { ...settings, url, protocols: channel.offer(protocols), maxMessageBytes: channel.maxFrameBytes ?? maxMessageBytes },
        attempt.events,
      );
    } catch (error) {
      attempt.failed(attemptFailed('dial', error));
      return;
    }
    attempt.dialed(transport);
  };
  const url = target();
  if (url instanceof Promise) url.then(dialUrl, (error: unknown) => attempt.failed(attemptFailed('address', error)));
  else dialUrl(url);
}
