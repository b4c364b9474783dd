import { WebsocketError } from '../core/errors.js';

/** Node only: only a Node process is ended by signals that it can answer. @throws {WebsocketError} `UNSUPPORTED`. */
export function closeOnSignals(_signals?: readonly string[]): () => void {
  throw new WebsocketError(
    'UNSUPPORTED',
    'closeOnSignals works in Node only: this runtime has no process signals. Call close() where your platform ends.',
    {},
  );
}
