import { processWatchers } from './process-life.js';

/**
 * Asks that SIGINT and SIGTERM end the process the orderly way: every open client sends 1001, then the signal takes
 * its course. Nothing is installed unless an application calls this, because a signal is the application's own.
 *
 * @returns a function that takes the handlers off again.
 */
export function closeOnSignals(signals: readonly string[] = ['SIGINT', 'SIGTERM']): () => void {
  const offs = signals.map((signal) => onSignal(signal as NodeJS.Signals));
  return () => {
    for (const off of offs) off();
  };
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
