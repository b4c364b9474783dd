import { type ErrorCode, type ErrorContext, makeError, WebsocketError } from '../core/errors.js';

/**
 * A WebsocketError as it travels between a tab and the worker: a structured clone would keep neither class nor code. Each side makes
 * its own message of the facts: a tab may be of a build with sentences, and the worker is of one without.
 */
export interface CarriedError {
  readonly code: ErrorCode;
  readonly context: ErrorContext;
  readonly cause: CarriedError | string | undefined;
  /** The question of the hub that the tab itself could not answer: it still has the error as it was. */
  readonly ask?: number;
}

export function carry(error: WebsocketError, ask?: number): CarriedError {
  const { code, context, cause } = error;
  const carried = { code, context: plain(context), cause: carryCause(cause) };
  return ask === undefined ? carried : { ...carried, ask };
}

export function unpack({ code, context, cause }: CarriedError): WebsocketError {
  return makeError(code, context, typeof cause === 'object' ? unpack(cause) : cause);
}

function carryCause(cause: unknown): CarriedError['cause'] {
  if (cause instanceof WebsocketError) return carry(cause);
  return cause === undefined ? undefined : String(cause);
}

/** Facts are plain data; what is not would make the port throw. */
function plain(context: ErrorContext): ErrorContext {
  return Object.fromEntries(Object.entries(context).map(([name, value]) => [name, typeof value === 'object' ? String(value) : value]));
}
