import { makeError } from './errors.js';
import { checkHas } from './option-checks.js';
import type { IWebsocketClient, Message } from './types.js';

/** The two halves of a client as streams. */
export interface ClientStreams {
  /** The messages that arrive: one chunk each. Closes after a clean end, errors with `CONNECTION_LOST` after another. */
  readable: ReadableStream<Message>;
  /** One message for each chunk. A write waits while the client asks its callers to. */
  writable: WritableStream<string | ArrayBuffer | ArrayBufferView>;
}

/**
 * WHATWG streams over a client, with backpressure both ways. The readable draws from the inbox like every other
 * reader; it closes after a clean end and errors with `CONNECTION_LOST` after another. Cancelling it, or closing
 * the writable, closes the connection.
 *
 * @throws {WebsocketError} `INVALID_OPTION` for a value that is not a client.
 */
export function streams(client: IWebsocketClient): ClientStreams {
  checkHas('client', client, 'sendMessageBinary');
  const messages = client[Symbol.asyncIterator]();
  const readable = new ReadableStream<Message>(
    {
      async pull(controller) {
        const next = await messages.next();
        if (!next.done) controller.enqueue(next.value);
        else {
          const info = next.value;
          if (info?.wasClean === false) controller.error(makeError('CONNECTION_LOST', { ...info }));
          else controller.close();
        }
      },
      async cancel() {
        await messages.return?.();
        await client.close();
      },
    },
    // Nothing is taken from the inbox before it is asked for, so that the inbox is the only queue.
    { highWaterMark: 0 },
  );
  const writable = new WritableStream<string | ArrayBuffer | ArrayBufferView>({
    start(controller) {
      client.on('close', (info) => controller.error(makeError('CONNECTION_LOST', { ...info })));
    },
    async write(message) {
      const hasRoom = typeof message === 'string' ? client.sendMessage(message) : client.sendMessageBinary(message);
      if (!hasRoom) await client.drained();
    },
    async close() {
      await client.close();
    },
    async abort() {
      await client.close();
    },
  });
  return { readable, writable };
}
