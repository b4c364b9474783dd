import type { Listeners } from './emitter.js';
import type { ClientEvents } from './types.js';

/** The events that `on` of a client takes. */
export const clientEvents: Listeners<ClientEvents> = {
  open: [],
  message: [],
  reconnecting: [],
  reconnected: [],
  undelivered: [],
  close: [],
  error: [],
  state: [],
};
