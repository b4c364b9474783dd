// Close codes of gem.1: docs/protocol.md, section 12. 4409 is core's, `CloseCode.takenOver`, as the state machine sends it.

/** A batch that violates the protocol. */
export const protocol = 4400;
/** More than the credit or the size that was announced. */
export const limit = 4413;
/** The server does not speak gem.1. */
export const unsupported = 4426;
/** No handshake in time; the only one of these after which a client reconnects. */
export const timeout = 4504;
