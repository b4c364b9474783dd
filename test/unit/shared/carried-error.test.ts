import { expect, it } from 'vitest';
import { WebsocketError } from '../../../src/core/errors.js';
import { carry, unpack } from '../../../src/shared/posts.js';

/** An error as the script of the shared worker creates it, without a sentence. */
function shortError(): WebsocketError {
  const cause = new WebsocketError('CONNECT_FAILED', 'CONNECT_FAILED: status 503.', { address: 'wss://example.com/', status: 503 });
  return new WebsocketError('CONNECT_TIMEOUT', 'CONNECT_TIMEOUT: timeoutMs 10000.', { timeoutMs: 10_000 }, cause);
}

it('an error of the shared worker keeps its code, facts and cause, and takes the message from the build of the tab', () => {
  const error = unpack(structuredClone(carry(shortError())));
  expect(error).toBeInstanceOf(WebsocketError);
  expect(error).toMatchObject({
    code: 'CONNECT_TIMEOUT',
    context: { timeoutMs: 10_000 },
    message: expect.stringMatching(/^No connection within 10000 ms\. Check that/),
    cause: {
      code: 'CONNECT_FAILED',
      context: { address: 'wss://example.com/', status: 503 },
      message: expect.stringMatching(/HTTP 503 instead of 101\. The server is full/),
    },
  });
});
