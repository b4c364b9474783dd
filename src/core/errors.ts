/** What stands in `WebsocketError.code`. docs/errors.md says for each what to do. */
export type ErrorCode =
  | 'ABORTED'
  | 'ACCEPT_FAILED'
  | 'CONNECT_FAILED'
  | 'CONNECT_TIMEOUT'
  | 'CONNECTION_LOST'
  | 'HANDLER_FAILED'
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

export type ErrorContext = Readonly<Record<string, unknown>>;

/**
 * Every error of this library: a short constant `code` to branch on, a `context` with the facts, the `cause`
 * where there is one, and a message that says what to do next. None of them carries credentials.
 */
export class WebsocketError extends Error {
  override readonly name = 'WebsocketError';
  /** One of {@link ErrorCode}; more may come in later versions. */
  readonly code: string;
  /** What the code promises to carry: the HTTP status, the address without its credentials, the limit and the size, … */
  readonly context: ErrorContext;

  constructor(code: ErrorCode, message: string, context: ErrorContext = {}, cause?: unknown) {
    super(message, cause === undefined ? undefined : { cause });
    this.code = code;
    this.context = context;
  }
}
