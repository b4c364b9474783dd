import { describe, expect, it } from 'vitest';
import { WebsocketError } from '../../../src/core/errors.js';

describe('a WebsocketError', () => {
  it('is an Error with a code, a context and a cause', () => {
    const cause = new Error('below');
    const error = new WebsocketError('CONNECT_FAILED', 'Nobody listens there.', { status: 503 }, cause);
    expect(error).toBeInstanceOf(Error);
    expect(error).toMatchObject({
      name: 'WebsocketError',
      code: 'CONNECT_FAILED',
      message: 'Nobody listens there.',
      context: { status: 503 },
    });
    expect(error.cause).toBe(cause);
    expect(String(error)).toBe('WebsocketError: Nobody listens there.');
    expect(error.stack).toContain('Nobody listens there.');
  });

  it('has an empty context and no cause when none is given', () => {
    const error = new WebsocketError('NOT_OPEN', 'Closed.');
    expect(error.context).toEqual({});
    expect('cause' in error).toBe(false);
  });
});
