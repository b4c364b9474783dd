import { makeError } from '../core/errors.js';

/** Node only: only a Node process is ended by signals that it can answer. @throws {WebsocketError} `UNSUPPORTED`. */
export function closeOnSignals(_signals?: readonly string[]): () => void {
  throw makeError('UNSUPPORTED', { method: 'closeOnSignals' });
}
