import { assert, equal, throwsAtOnce } from '../assert.js';
import { counting, nextMessage } from '../bench.js';
import { each, test } from '../case.js';

/** 2-, 3- and 4-byte characters, a combining one, a family, NUL, and the byte order mark in the middle. */
const UNICODE = 'ü\u{feff}€𝄞\u{1f469}\u{200d}\u{1f469}\u{200d}\u{1f467}e\u{301}\0\u{ffff}end';
const SIZES = [0, 1, 125, 126, 127, 65_535, 65_536, 65_537, 1_048_576];

const VIEWS: readonly { readonly name: string; readonly make: () => ArrayBuffer | ArrayBufferView; readonly bytes: number[] }[] = [
  { name: 'an ArrayBuffer', make: () => counting(4).buffer, bytes: [0, 1, 2, 3] },
  { name: 'a Uint8Array in the middle of its buffer', make: () => counting(9).subarray(3, 6), bytes: [3, 4, 5] },
  { name: 'a DataView with an offset', make: () => new DataView(counting(9).buffer, 5, 2), bytes: [5, 6] },
  { name: 'a Uint16Array with an offset', make: () => new Uint16Array(counting(8).buffer, 2, 2), bytes: [2, 3, 4, 5] },
  { name: 'a Float64Array', make: () => new Float64Array([0, 2]), bytes: [0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 64] },
  { name: 'an empty view', make: () => counting(4).subarray(2, 2), bytes: [] },
];

const THREE_PINGS = [{ ping: 'one' }, { ping: '' }, { ping: 'three' }];

export const messageCases = [
  ...each(
    SIZES,
    (size) => `messages: text of ${size} bytes arrives as it was sent`,
    async (bench, size) => {
      const client = await bench.connect('/echo');
      const text = 'gem'.repeat(size / 3 + 1).slice(0, size);
      client.sendMessage(text);
      assert((await nextMessage(client)) === text, 'the same text');
    },
  ),
  ...each(
    SIZES,
    (size) => `messages: ${size} bytes arrive as they were sent, in a Uint8Array over a buffer of its own`,
    async (bench, size) => {
      const client = await bench.connect('/echo');
      client.sendMessageBinary(counting(size));
      const bytes = await nextMessage(client);
      assert(bytes instanceof Uint8Array && bytes.constructor === Uint8Array, 'a Uint8Array and no subclass of it');
      equal([bytes.byteOffset, bytes.byteLength, bytes.buffer.byteLength], [0, size, size], 'the extent');
      assert(
        bytes.every((byte, index) => byte === index % 256),
        'the same bytes',
      );
    },
  ),
  ...each(
    VIEWS,
    ({ name }) => `messages: ${name} is sent as its own bytes`,
    async (bench, { make, bytes }) => {
      const client = await bench.connect('/echo');
      client.sendMessageBinary(make());
      equal(await nextMessage(client), Uint8Array.from(bytes), 'the echo');
    },
  ),
  test('messages: bytes are copied at the call', async (bench) => {
    const client = await bench.connect('/echo');
    const bytes = counting(4);
    client.sendMessageBinary(bytes);
    bytes.fill(255);
    equal(await nextMessage(client), counting(4), 'the echo');
  }),
  test('messages: any text that Unicode has arrives as it was sent', async (bench) => {
    const client = await bench.connect('/echo');
    client.sendMessage(UNICODE);
    equal(await nextMessage(client), UNICODE, 'the echo');
  }),
  test(
    'messages: a text may begin with U+FEFF',
    async (bench) => {
      const client = await bench.connect('/echo');
      client.sendMessage('\ufefftext');
      equal(await nextMessage(client), '\ufefftext', 'the echo');
    },
    'keepsByteOrderMark',
  ),
  test(
    'messages: a U+FEFF that a text begins with is taken for a byte order mark by the WebSocket of this platform',
    async (bench) => {
      const client = await bench.connect('/echo');
      client.sendMessage('\ufefftext');
      equal(await nextMessage(client), 'text', 'the echo');
    },
    'not keepsByteOrderMark',
  ),
  test('messages: a lone surrogate is sent as U+FFFD', async (bench) => {
    const client = await bench.connect('/echo');
    client.sendMessage('a\ud800b\udc00');
    equal(await nextMessage(client), 'a\ufffdb\ufffd', 'the echo');
    equal([client.stats.bytesSent, client.stats.bytesReceived], [8, 8], 'the bytes counted');
  }),
  test('messages: the same content as text and as bytes is distinguished', async (bench) => {
    const client = await bench.connect('/echo');
    client.sendMessage('\x01\x02');
    client.sendMessageBinary(Uint8Array.of(1, 2));
    equal([await nextMessage(client), await nextMessage(client)], ['\x01\x02', Uint8Array.of(1, 2)], 'the echoes');
    equal((await bench.log()).connections[0]?.messages, ['text \x01\x02', 'binary 0102'], 'what the server saw');
  }),
  test('messages: a thousand of both kinds and many sizes keep their order', async (bench) => {
    const client = await bench.connect('/echo');
    const sent = Array.from({ length: 1_000 }, (_, index) =>
      index % 3 === 0 ? counting((index * 37) % 5_000) : `${index}`.repeat((index * 7) % 900),
    );
    for (const message of sent) {
      if (typeof message === 'string') client.sendMessage(message);
      else client.sendMessageBinary(message);
    }
    for (const [index, message] of sent.entries()) equal(await nextMessage(client), message, `message ${index}`);
  }),
  test('messages: one in many fragments arrives as one', async (bench) => {
    const client = await bench.connect('/echo', {
      open: [[{ fragments: ['a', '', 'bc', ''] }, { fragments: ['', ''] }, { text: 'next' }]],
    });
    equal([await nextMessage(client), await nextMessage(client), await nextMessage(client)], ['abc', '', 'next'], 'the messages');
  }),
  test('messages: a character cut in two by fragments, with a ping in between, arrives whole', async (bench) => {
    const client = await bench.connect('/echo', { open: [[{ raw: '0102e282' }, { ping: 'now' }, { raw: '8001ac' }]] });
    equal(await nextMessage(client), '€', 'the message');
    equal((await bench.log({ pongs: 1 })).connections[0]?.pongs, 1, 'the pongs');
  }),
  test(
    'messages: pings of the server are answered',
    async (bench) => {
      const client = await bench.connect('/echo', { open: [THREE_PINGS] });
      equal((await bench.log({ pongs: 3 })).connections[0]?.pongs, 3, 'the pongs');
      equal(client.getMessage(), undefined, 'what the application sees of it');
    },
    'answersEveryPing',
  ),
  test(
    'messages: pings of the server that come together are answered, by one pong at least',
    async (bench) => {
      const client = await bench.connect('/echo', { open: [THREE_PINGS] });
      assert(((await bench.log({ pongs: 1 })).connections[0]?.pongs ?? 0) >= 1, 'a pong');
      equal(client.getMessage(), undefined, 'what the application sees of it');
    },
    'not answersEveryPing',
  ),
  test('messages: a value that is not a message is INVALID_MESSAGE, and nothing is sent for it', async (bench) => {
    const client = await bench.connect('/echo');
    throwsAtOnce(() => client.sendMessage(5 as never), 'INVALID_MESSAGE');
    throwsAtOnce(() => client.sendMessage(counting(1) as never), 'INVALID_MESSAGE');
    throwsAtOnce(() => client.sendMessageBinary('text' as never), 'INVALID_MESSAGE');
    throwsAtOnce(() => client.sendMessageBinary([1, 2] as never), 'INVALID_MESSAGE');
    throwsAtOnce(() => client.sendMessageBinary(undefined as never), 'INVALID_MESSAGE');
    client.sendMessage('after');
    equal(await nextMessage(client), 'after', 'the echo');
  }),
  test('messages: are counted, in UTF-8 bytes of payload', async (bench) => {
    const client = await bench.connect('/echo');
    client.sendMessage('€');
    client.sendMessageBinary(counting(5));
    await nextMessage(client);
    await nextMessage(client);
    const { rttMs, ...counted } = client.stats;
    equal(rttMs, undefined, 'rttMs, not yet measured');
    equal(counted, { messagesSent: 2, messagesReceived: 2, bytesSent: 8, bytesReceived: 8, reconnects: 0, messagesShed: 0 }, 'the stats');
  }),
];
