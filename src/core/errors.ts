/** Every `code` of a WebsocketError. docs/errors.md says for each what to do. */
export type ErrorCode =
  | 'ABORTED'
  | 'ACCEPT_FAILED'
  | 'CONNECT_FAILED'
  | 'CONNECT_TIMEOUT'
  | 'CONNECTION_LOST'
  | 'HANDLER_FAILED'
  | 'HAS_HANDLER'
  | 'INBOX_FULL'
  | 'INSECURE_ADDRESS'
  | 'INVALID_ADDRESS'
  | 'INVALID_CLOSE'
  | 'INVALID_MESSAGE'
  | 'INVALID_OPTION'
  | 'LINK_DEAD'
  | 'LISTEN_FAILED'
  | 'MESSAGE_TOO_BIG'
  | 'NOT_OPEN'
  | 'OUTBOX_FULL'
  | 'PROTOCOL_ERROR'
  | 'RATE_LIMITED'
  | 'TOO_SLOW'
  | 'UNDELIVERED'
  | 'UNKNOWN_CLIENT'
  | 'UNSENT'
  | 'UNSUPPORTED';

/** Facts by name: docs/errors.md says for each code which ones. */
export type ErrorContext = Readonly<Record<string, unknown>>;

/**
 * Every error of this library: a short constant `code` to branch on, a `context` with the facts, the `cause`
 * where there is one, and a message that says what to do next. None of them carries credentials.
 */
export class WebsocketError extends Error {
  /** `'WebsocketError'`, also where two copies of the library are loaded and `instanceof` tells them apart. */
  override readonly name = 'WebsocketError';
  /** Short and constant, to branch on; later versions may add codes. docs/errors.md says for each what to do. */
  readonly code: ErrorCode;
  /** What the code promises to carry: the HTTP status, the address without its credentials, the limit and the size, … */
  readonly context: ErrorContext;

  constructor(code: ErrorCode, message: string, context: ErrorContext = {}, cause?: unknown) {
    super(message, cause === undefined ? undefined : { cause });
    this.code = code;
    this.context = context;
  }
}
