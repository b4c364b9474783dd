import { constants } from 'node:os';
import { invalid } from '../../core/option-checks.js';
import { processWatchers } from './process-life.js';

/**
 * Asks that SIGINT and SIGTERM end the process the orderly way: every open client sends 1001, then the signal takes
 * its course. Nothing is installed unless an application calls this, because a signal is the application's own.
 *
 * @returns a function that removes the handlers.
 * @throws {WebsocketError} `INVALID_OPTION` for a signal that this system does not have, or that no process can handle.
 */
export function closeOnSignals(signals: readonly string[] = ['SIGINT', 'SIGTERM']): () => void {
  checkSignals(signals);
  const offs = signals.map((signal) => onSignal(signal as NodeJS.Signals));
  return () => {
    for (const off of offs) off();
  };
}

/** Node takes any name for an event, which then never comes. */
function checkSignals(signals: readonly string[]): void {
  const canHandle = (name: unknown) =>
    typeof name === 'string' && Object.hasOwn(constants.signals, name) && name !== 'SIGKILL' && name !== 'SIGSTOP';
  if (!Array.isArray(signals) || !signals.every(canHandle)) {
    throw invalid('signals', signals);
  }
}

function onSignal(signal: NodeJS.Signals): () => void {
  const handler = () => {
    for (const watcher of processWatchers()) watcher.exiting();
    process.off(signal, handler);
    // A turn later, so that the close frames of TLS connections are encrypted and written; then as without us.
    setImmediate(() => {
      if (process.listenerCount(signal) === 0) process.kill(process.pid, signal);
    });
  };
  process.on(signal, handler);
  return () => process.off(signal, handler);
}
