/** Close codes of gem.1: docs/protocol.md, section 12. 4409 is core's, `CloseCode.takenOver`, as the state machine sends it. */
export const SessionCloseCode = {
  /** A batch that breaks the rules. */
  protocol: 4400,
  /** More than the credit or the size that was announced. */
  limit: 4413,
  /** The server does not speak gem.1. */
  unsupported: 4426,
  /** No handshake in time; the only one of these that a retry may cure. */
  timeout: 4504,
} as const;
