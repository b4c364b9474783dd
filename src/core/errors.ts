import { type ErrorCode, type ErrorContext, messageOf } from './messages.js';

export type { ErrorCode, ErrorContext };

/**
 * Every error of this library: a short constant `code` to branch on, a `context` with the facts, the `cause`
 * where there is one, and a message that says what to do next. None of them carries credentials.
 */
export class WebsocketError extends Error {
  /** `'WebsocketError'`, also if two copies of the library are loaded, whose classes `instanceof` distinguishes. */
  override readonly name = 'WebsocketError';
  /** Short and constant, to branch on; later versions may add codes. docs/errors.md says for each what to do. */
  readonly code: ErrorCode;
  /** The facts of the code, as docs/errors.md lists them: the HTTP status, the address without its credentials, the limit and the size, … */
  readonly context: ErrorContext;

  constructor(code: ErrorCode, message: string, context: ErrorContext = {}, cause?: unknown) {
    super(message, cause === undefined ? undefined : { cause });
    this.code = code;
    this.context = context;
  }
}

/** An error of this library, with the message that this build has for its code, its facts and its cause. */
export function makeError(code: ErrorCode, context: ErrorContext = {}, cause?: unknown): WebsocketError {
  return new WebsocketError(code, messageOf(code, context, cause), context, cause);
}

/** The error of a step of an attempt to connect that threw; an error of this library stays as it is. */
export function attemptFailed(step: 'address' | 'dial', cause: unknown): WebsocketError {
  return cause instanceof WebsocketError ? cause : makeError('CONNECT_FAILED', { step }, cause);
}
