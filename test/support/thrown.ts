import { WebsocketError } from '../../src/core/errors.js';

/** The WebsocketError that a call throws; any other outcome fails the test. */
export function thrown(call: () => unknown): WebsocketError {
  try {
    call();
  } catch (error) {
    if (error instanceof WebsocketError) return error;
    throw error;
  }
  throw new Error('Nothing was thrown.');
}

/** The WebsocketError that a promise rejects with. */
export async function rejected(promise: Promise<unknown>): Promise<WebsocketError> {
  const error = await promise.then(
    () => new Error('The promise was resolved.'),
    (reason: unknown) => reason,
  );
  if (error instanceof WebsocketError) return error;
  throw error;
}

/** Everything that a log could show of an error, including its causes. */
export function everythingIn(error: unknown): string {
  if (!(error instanceof Error)) return JSON.stringify(error) ?? '';
  const own = Object.getOwnPropertyNames(error).map((name) => {
    const value = (error as unknown as Record<string, unknown>)[name];
    return `${name}: ${name === 'stack' ? String(value).split('\n')[0] : everythingIn(value)}`;
  });
  return own.join('\n');
}
