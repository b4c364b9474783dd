/** The subprotocol, which carries the version. */
export const SESSION_PROTOCOL = 'gem.1';

/** Largest WebSocket message: what a socket takes at once. */
export const MAX_BATCH_BYTES = 65_536;

/** Largest body of a record: what a control record waits behind at the most. */
export const MAX_BODY_BYTES = 16_384;

/** What each side announces at the least as its largest message: a whole record, which is never cut, always fits. */
export const MIN_MESSAGE_BYTES = 16_384;

/** What a message costs beside its bytes: empty ones take memory too. */
export const MESSAGE_COST = 32;

/** Three quarters of it hold the largest record, and at most a quarter is withheld: nobody waits for a credit that never comes. */
export const MIN_WINDOW_BYTES = 32_768;

/** Session ids and secrets: 128 bits, which nobody guesses. */
export const TOKEN_BYTES = 16;

/** What a client may offer of the application's subprotocols: more than any needs, and little to read. */
export const MAX_PROTOCOLS = 32;
export const MAX_PROTOCOL_BYTES = 255;

/** A client waits no longer than this, whatever LEAVE says. */
export const MAX_LEAVE_MS = 300_000;
