import { WebsocketError } from './errors.js';
import type { CloseInfo, ConnectionState } from './types.js';

export function aborted(reason: unknown): WebsocketError {
  return new WebsocketError('ABORTED', 'The signal was aborted before the connection opened.', {}, reason);
}

export function handlerFailed(handler: string, cause: unknown): WebsocketError {
  return new WebsocketError('HANDLER_FAILED', `Your ${handler} handler threw: see cause.`, { handler }, cause);
}

export function hasHandler(): WebsocketError {
  return new WebsocketError('HAS_HANDLER', 'A message handler takes every message: remove it to iterate.');
}

export function invalidMessage(message: string): WebsocketError {
  return new WebsocketError('INVALID_MESSAGE', message);
}

export function notOpen(state: ConnectionState): WebsocketError {
  const advice = state === 'idle' ? 'Call connect() first.' : 'Make a new client to connect again.';
  return new WebsocketError('NOT_OPEN', `The connection is ${state}. ${advice}`, { state });
}

export function closedBeforeOpen(info: CloseInfo): WebsocketError {
  return new WebsocketError('NOT_OPEN', 'The connection was closed before it opened. Make a new client to connect again.', {
    state: 'closed',
    ...info,
  });
}

export function undelivered(messages: number): WebsocketError {
  return new WebsocketError('UNDELIVERED', `${messages} messages of the session may not have arrived. Listen to undelivered.`, {
    messages,
  });
}

export function unsent(messages: number, bytes: number, info: CloseInfo): WebsocketError {
  return new WebsocketError(
    'UNSENT',
    `The connection ended (${info.code}) with ${messages} messages (${bytes} bytes) unsent. Await drained() before close(), or send them again.`,
    { messages, bytes, code: info.code },
  );
}
