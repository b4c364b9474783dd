import { describe, expect, it, test } from 'vitest';
import { makeError } from '../../../src/core/errors.js';
import { type ErrorCode, type ErrorContext, messageOf } from '../../../src/core/messages.js';
import { messageOf as shortMessageOf } from '../../../src/core/short-messages.js';

const cause = Object.assign(new Error('connect ECONNREFUSED'), { code: 'ECONNREFUSED' });
const address = 'wss://example.com/';
const bounds = { maxMessages: 10, maxBytes: 20 };

/** Each code, with each combination of facts that has its own sentence, and words of that sentence. */
const cases: readonly (readonly [ErrorCode, ErrorContext, words: string, cause?: unknown])[] = [
  ['ABORTED', {}, 'was aborted before the connection opened'],
  ['ACCEPT_FAILED', { systemCode: 'EMFILE' }, '(EMFILE)', cause],
  ['ACCEPT_FAILED', {}, '(connect ECONNREFUSED)', cause],
  ['CONNECT_FAILED', { step: 'address' }, 'The address function failed: see cause', cause],
  ['CONNECT_FAILED', { step: 'address' }, 'No tab was left'],
  ['CONNECT_FAILED', { step: 'dial' }, 'The platform refused these options: see cause', cause],
  ['CONNECT_FAILED', { closeCode: 1013, reason: 'full' }, 'before it was ready: 1013 full'],
  ['CONNECT_FAILED', { address, protocol: '' }, `The server at ${address} selected none of the subprotocols`],
  ['CONNECT_FAILED', { address, protocol: 'chat' }, 'selected the subprotocol chat, which was not offered'],
  ['CONNECT_FAILED', { address, status: 503 }, 'HTTP 503 instead of 101. The server is full or closing'],
  ['CONNECT_FAILED', { address, status: 302 }, 'Redirects are not followed'],
  ['CONNECT_FAILED', { address, status: 418 }, 'Check the path, the server and the proxy in between'],
  ['CONNECT_FAILED', { address, systemCode: 'ECONNREFUSED' }, `Could not connect to ${address}: ECONNREFUSED. No server listens`, cause],
  ['CONNECT_FAILED', { address }, 'connect ECONNREFUSED. Check the address, the network and the server', cause],
  ['CONNECT_FAILED', { address }, 'Browsers do not say why'],
  ['CONNECT_TIMEOUT', { timeoutMs: 10_000 }, 'No connection within 10000 ms'],
  ['CONNECTION_LOST', { code: 1006, reason: '', wasClean: false }, 'with code 1006 (no reason given)'],
  ['CONNECTION_LOST', { code: 1001, reason: 'deploy', wasClean: false }, 'with code 1001 (deploy)'],
  ['HANDLER_FAILED', { handler: 'message' }, "The application's message handler threw"],
  ['HANDLER_FAILED', { handler: 'isSameUser' }, 'so the session was not resumed'],
  ['HANDLER_FAILED', { handler: 'userKey' }, 'so the client counts as no known user'],
  ['HAS_HANDLER', {}, 'Remove the handler to iterate'],
  ['INBOX_FULL', bounds, 'More than 10 messages or 20 bytes wait to be read, and this WebSocket cannot slow the sender'],
  ['INBOX_FULL', { ...bounds, isClosing: true }, 'messages that arrived after close() were dropped'],
  ['INBOX_FULL', { maxBytes: 20, slowMs: 10_000 }, 'This tab left more than 20 bytes unread for 10000 ms'],
  ['INSECURE_ADDRESS', { address: 'ws://example.com/' }, "ws://example.com/ is not encrypted. Write wss://, or set type: 'insecure'"],
  ['INVALID_ADDRESS', { scheme: 'http' }, 'The scheme http:// is not wss:// or ws://'],
  ['INVALID_ADDRESS', { address, part: 'user' }, 'has a user name or password'],
  ['INVALID_ADDRESS', { address, part: 'fragment' }, 'has a fragment'],
  ['INVALID_ADDRESS', { address, part: 'port' }, 'has port 0'],
  ['INVALID_ADDRESS', { address: 'two words' }, "empty or can't be parsed"],
  ['INVALID_CLOSE', { code: 1005 }, 'Use 1000 or 3000 to 4999'],
  ['INVALID_CLOSE', { size: 124, limit: 123 }, 'at most 123 bytes of UTF-8'],
  ['INVALID_MESSAGE', { method: 'sendMessage' }, 'for bytes, use sendMessageBinary()'],
  ['INVALID_MESSAGE', { method: 'sendMessageBinary' }, 'an ArrayBuffer that was not transferred'],
  ['INVALID_MESSAGE', { method: 'broadcast' }, 'broadcast() takes'],
  [
    'INVALID_OPTION',
    { option: 'sesion', value: 1, known: ['session', 'signal'] },
    'The option sesion does not exist. Did you mean session?',
  ],
  [
    'INVALID_OPTION',
    { option: 'inbox.size', value: 1, known: ['maxBytes'] },
    'The option inbox.size does not exist. Did you mean maxBytes?',
  ],
  ['INVALID_OPTION', { option: 'event', value: 'pinged', known: ['ping'] }, 'The event pinged does not exist. Did you mean ping?'],
  ['INVALID_OPTION', { option: 'inbox.maxBytes', value: 0 }, 'The option inbox.maxBytes must be a number over 0.'],
  ['INVALID_OPTION', { option: 'liveness.pingMs', value: 2 ** 31 }, 'must be a number over 0 and at most 2147483647.'],
  ['INVALID_OPTION', { option: 'session.windowBytes', value: 1, min: 32_768 }, 'must be a number of at least 32768.'],
  ['INVALID_OPTION', { option: 'session.batchDelayMs', value: -1, min: 0, max: 1000 }, 'must be a number from 0 to 1000.'],
  ['INVALID_OPTION', { option: 'listener', value: 1 }, 'The argument listener must be a function.'],
  ['INVALID_OPTION', { option: 'origins', value: 'wss://a.b', expected: 'https://a.b' }, "as browsers send them: ['https://a.b']"],
  ['INVALID_OPTION', { option: 'tls' }, 'See cause.', cause],
  ['LINK_DEAD', { silentMs: 25_000 }, 'silent for 25000 ms and answered no ping'],
  ['LISTEN_FAILED', { host: '::1', port: 80, systemCode: 'EACCES' }, 'Could not listen on ::1:80 (EACCES). Ports under 1024', cause],
  ['MESSAGE_TOO_BIG', { closeCode: 1009, reason: 'takes 5 bytes' }, 'closed with 1009 (takes 5 bytes). Raise maxMessageBytes there'],
  ['MESSAGE_TOO_BIG', { size: 9, limit: 5, closeCode: 1009 }, 'The peer sent a message of 9 bytes, over maxMessageBytes (5)'],
  ['MESSAGE_TOO_BIG', { size: undefined, limit: undefined, closeCode: 1009 }, 'The peer sent a message, over maxMessageBytes, '],
  [
    'MESSAGE_TOO_BIG',
    { size: 9, limit: 5, closeCode: 1009, isOwn: true },
    'The message has 9 bytes, the peer announced that it takes at most 5',
  ],
  ['NOT_OPEN', { state: 'idle' }, 'The connection is idle. Call connect() first.'],
  ['NOT_OPEN', { state: 'closed' }, 'The connection is closed. Make a new client'],
  ['NOT_OPEN', { state: 'closed', code: 1006, reason: '', wasClean: false }, 'closed before it opened'],
  ['OUTBOX_FULL', { buffered: 8, size: 4, limit: 10 }, '8 bytes wait, and 4 more exceed outbox.maxBytes (10)'],
  ['PROTOCOL_ERROR', { closeCode: 1008, fault: 'pings' }, 'a flood of pings'],
  ['PROTOCOL_ERROR', { closeCode: 4400, fault: 'an empty batch' }, 'The peer sent an empty batch, against gem.1, and was closed with 4400'],
  ['PROTOCOL_ERROR', { closeCode: 1008, limit: 5 }, 'in more pieces than maxMessageBytes (5) allows', cause],
  ['PROTOCOL_ERROR', { closeCode: 1002 }, 'violated the WebSocket protocol (connect ECONNREFUSED) and was closed with 1002', cause],
  ['RATE_LIMITED', { messagesPerSecond: 5, burst: 9 }, 'more than 5 messages per second, beyond a burst of 9'],
  ['TOO_SLOW', { buffered: 7, limit: 6 }, '7 bytes waited for it'],
  ['UNDELIVERED', { messages: 3 }, '3 messages of the session may not have arrived'],
  ['UNKNOWN_CLIENT', { id: 'c1' }, 'No client c1 is on this bus'],
  ['UNKNOWN_CLIENT', { id: {} }, 'No client is on this bus'],
  ['UNSENT', { messages: 2, bytes: 9, code: 1006 }, 'ended (1006) with 2 messages (9 bytes) unsent'],
  ['UNSUPPORTED', { protocol: '', closeCode: 4426 }, 'does not speak gem.1: it selected no subprotocol'],
  ['UNSUPPORTED', { protocol: 'chat', closeCode: 4426 }, 'it selected the subprotocol chat'],
  ['UNSUPPORTED', { protocol: 'gem.1', closeCode: 4426, fault: 'an empty batch' }, 'it selected gem.1, but sent an empty batch'],
  ['UNSUPPORTED', { method: 'closeOnSignals' }, 'closeOnSignals() works in Node only'],
  ['UNSUPPORTED', { option: 'transport' }, 'Leave the option transport out'],
  ['UNSUPPORTED', { option: 'topics' }, 'The option topics is not available yet'],
  ['UNSUPPORTED', { option: 'node', platform: 'browser' }, 'The option node does not exist on the platform browser'],
  ['UNSUPPORTED', { platform: 'browser' }, 'This browser has no WebSocket'],
  ['UNSUPPORTED', { platform: 'standard' }, 'This runtime has no global WebSocket'],
];

const named = cases.map(([code, context, words, why]) => ({ code, context, words, why, facts: JSON.stringify(context) }));

describe('the sentence of', () => {
  test.each(named)('$code with the facts $facts contains: $words', ({ code, context, words, why }) => {
    expect(messageOf(code, context, why)).toContain(words);
    expect(messageOf(code, context, why)).toMatch(/^[^\n]*[.?]$/);
    expect(messageOf(code, context, why)).not.toMatch(/undefined|\[object/);
  });
});

describe('the message without sentences', () => {
  it('has the code, the facts and a link to their explanation', () => {
    const message = shortMessageOf('CONNECT_TIMEOUT', { timeoutMs: 10_000 });
    expect(message).toBe('CONNECT_TIMEOUT: timeoutMs 10000. See gemsocket/docs/errors.md#connect_timeout');
  });

  it('has all facts, in order', () => {
    const message = shortMessageOf('OUTBOX_FULL', { buffered: 8, size: 4, limit: 10 });
    expect(message).toBe('OUTBOX_FULL: buffered 8, size 4, limit 10. See gemsocket/docs/errors.md#outbox_full');
  });

  it('has only the code when there are no facts', () => {
    expect(shortMessageOf('ABORTED', {})).toBe('ABORTED. See gemsocket/docs/errors.md#aborted');
  });

  it('has the name and the value of an unknown option, but not the names of all others', () => {
    const message = shortMessageOf('INVALID_OPTION', { option: 'sesion', value: true, known: ['session'] });
    expect(message).toBe('INVALID_OPTION: option sesion, value true. See gemsocket/docs/errors.md#invalid_option');
  });

  test.each(named)('$code with the facts $facts is one line', ({ code, context }) => {
    expect(shortMessageOf(code, context)).toMatch(/^[A-Z_]+(: \w+ .*)?\. See gemsocket\/docs\/errors\.md#[a-z_]+$/);
    expect(shortMessageOf(code, context)).not.toMatch(/undefined|\[object/);
  });
});

describe.each([
  ['a sentence', messageOf],
  ['a message without a sentence', shortMessageOf],
])('%s', (_kind, make) => {
  const throwing = {
    toString() {
      throw new Error('not to be called');
    },
  };

  test.each([[Symbol('s')], [Object.create(null)], [throwing], [() => throwing], [10n], [null], [undefined], ['x'.repeat(1_000_000)]])(
    'accepts any value of an option: %#',
    (value) => {
      for (const option of ['event', 'delivery', 'inbox.maxBytes', 'connectTimeoutMs', 'origins']) {
        for (const known of [undefined, ['ping']]) expect(make('INVALID_OPTION', { option, value, known }, undefined)).toContain(option);
      }
      expect(make('UNKNOWN_CLIENT', { id: typeof value === 'string' ? 'c1' : value }, undefined)).toMatch(/\S/);
    },
  );
});

it('of an error that the library throws is the one of this build', () => {
  expect(makeError('LINK_DEAD', { silentMs: 5 })).toMatchObject({
    name: 'WebsocketError',
    code: 'LINK_DEAD',
    context: { silentMs: 5 },
    message: 'The peer was silent for 5 ms and answered no ping.',
  });
});
