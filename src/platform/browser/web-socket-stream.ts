import { publicAddress } from '../../core/address.js';
import type { DialFeature } from '../../core/client-parts.js';
import * as CloseCode from '../../core/close-codes.js';
import { abnormalClose } from '../../core/close-codes.js';
import { makeError, type WebsocketError } from '../../core/errors.js';
import { sizeOf } from '../../core/message-bytes.js';
import { TRANSPORT_MARK_BYTES } from '../../core/plain-channel.js';
import { Queue } from '../../core/queue.js';
import type { Transport, TransportEvents } from '../../core/transport.js';
import type { CloseInfo, Message, TransportFeature } from '../../core/types.js';
import { type Deferred, deferred } from '../../core/util.js';
import { receiveUpTo, whatwgCloseCode } from '../../core/whatwg-transport.js';

type WriteChunk = string | Uint8Array<ArrayBuffer>;
/** Binary messages are ArrayBuffers; in the draft of the standard they are Uint8Arrays. */
type ReadChunk = string | ArrayBuffer | Uint8Array;

interface NativeCloseInfo {
  readonly closeCode: number;
  readonly reason: string;
}

/** The part of Chromium's WebSocketStream that is used. TypeScript's DOM library has no type for it. */
export interface NativeStream {
  /** Rejects without a reason when the handshake fails. */
  readonly opened: Promise<{
    readonly readable: ReadableStream<ReadChunk>;
    readonly writable: WritableStream<WriteChunk>;
    readonly protocol: string;
  }>;
  /** Rejects with a WebSocketError, which has the same two fields, after an unclean close. */
  readonly closed: Promise<NativeCloseInfo>;
  close(info: NativeCloseInfo): void;
}

export interface StreamTransportOptions {
  /** Shown in errors: without credentials. */
  readonly address: string;
  readonly maxMessageBytes: number;
}

/** A WebSocketStream as a transport. It has no ping, but it has backpressure: unread data stays in the socket. */
export class StreamTransport implements Transport {
  readonly #stream: NativeStream;
  readonly #events: TransportEvents;
  readonly #options: StreamTransportOptions;
  /**
   * The WritableStream gets one message at a time: Chromium 156 crashes the page if the socket is closed while a message waits in the
   * stream. There is no workaround for a connection that fails during a write, see docs/guides/websocket-stream.md.
   */
  readonly #waiting = new Queue<{ readonly message: WriteChunk; readonly bytes: number }>();
  #writer: WritableStreamDefaultWriter<WriteChunk> | undefined;
  #isWriting = false;
  #goodbye: NativeCloseInfo | undefined;
  #pause: Deferred<void> | undefined;
  #isEnding = false;
  #isDetached = false;
  #protocol = '';
  #bufferedBytes = 0;

  constructor(stream: NativeStream, events: TransportEvents, options: StreamTransportOptions) {
    this.#stream = stream;
    this.#events = events;
    this.#options = options;
    const closed = stream.closed.then(
      ({ closeCode, reason }) => this.#ended({ code: closeCode, reason, wasClean: true }),
      // No AbortError: nothing aborts it.
      ({ closeCode, reason }: NativeCloseInfo) => this.#ended({ code: closeCode, reason, wasClean: false }),
    );
    void this.#live(closed);
  }

  get protocol(): string {
    return this.#protocol;
  }

  get bufferedBytes(): number {
    return this.#bufferedBytes;
  }

  get isEnding(): boolean {
    return this.#isEnding;
  }

  send(message: WriteChunk): void {
    if (this.#isEnding) return; // `closed` follows
    const bytes = sizeOf(message);
    this.#bufferedBytes += bytes;
    this.#waiting.push({ message, bytes });
    if (!this.#isWriting) this.#writeNext();
  }

  close(code: number, reason: string): void {
    this.#isEnding = true;
    this.#goodbye ??= { closeCode: whatwgCloseCode(code), reason };
    if (!this.#isWriting) this.#stream.close(this.#goodbye);
  }

  detach(code?: number, reason = ''): void {
    this.#isDetached = true;
    if (code === undefined) this.#drop();
    this.close(code ?? CloseCode.goingAway, reason);
    this.resume(); // reads and discards: the peer's close frame follows the unread messages
  }

  pause(): void {
    this.#pause ??= deferred();
  }

  resume(): void {
    this.#pause?.resolve();
    this.#pause = undefined;
  }

  async #live(closed: Promise<CloseInfo>): Promise<void> {
    const opened = await this.#stream.opened.catch(() => undefined);
    if (opened === undefined) {
      const error = makeError('CONNECT_FAILED', { address: this.#options.address });
      this.#tellClosed(abnormalClose(error.message), error);
      return;
    }
    this.#protocol = opened.protocol;
    this.#writer = opened.writable.getWriter();
    this.#writer.closed.catch(() => this.#drop()); // the peer has begun to close
    if (!this.#isDetached) this.#events.opened();
    await this.#readAll(opened.readable.getReader());
    this.#tellClosed(await closed);
  }

  async #readAll(reader: ReadableStreamDefaultReader<ReadChunk>): Promise<void> {
    let isFinished = false;
    // Nothing is left to read, so the end is reported although the reader pauses.
    const finish = () => {
      isFinished = true;
      this.resume();
    };
    reader.closed.then(finish, finish);
    for (;;) {
      if (this.#pause !== undefined && !isFinished) await this.#pause.promise;
      const message = await nextOf(reader);
      if (message === undefined) return;
      if (!this.#isDetached) this.#received(message instanceof ArrayBuffer ? new Uint8Array(message) : message);
    }
  }

  #received(message: Message): void {
    receiveUpTo(this.#options.maxMessageBytes, message, this, this.#events);
  }

  #writeNext(): void {
    const next = this.#waiting.shift();
    this.#isWriting = next !== undefined;
    if (next !== undefined) {
      this.#writer?.write(next.message).then(
        () => this.#written(next.bytes),
        () => this.#drop(),
      );
    } else if (this.#goodbye !== undefined) this.#stream.close(this.#goodbye);
  }

  #written(bytes: number): void {
    this.#bufferedBytes -= bytes;
    this.#writeNext();
    if (!this.#isDetached && this.#bufferedBytes < TRANSPORT_MARK_BYTES) this.#events.drained();
  }

  #ended(info: CloseInfo): CloseInfo {
    this.#drop();
    return info;
  }

  /** Only the message that is being written can still be sent. */
  #drop(): void {
    this.#isEnding = true;
    this.#waiting.clear();
    this.#isWriting = false;
  }

  #tellClosed(info: CloseInfo, error?: WebsocketError): void {
    if (!this.#isDetached) this.#events.closed(info, error);
  }
}

/** Undefined at the end of the stream; `closed` reports how it ended. */
async function nextOf(reader: ReadableStreamDefaultReader<ReadChunk>): Promise<ReadChunk | undefined> {
  try {
    return (await reader.read()).value;
  } catch {
    return undefined;
  }
}

type NativeStreamConstructor = new (url: string, options: { protocols: string[] }) => NativeStream;

/**
 * Connects with the browser's WebSocketStream instead of its WebSocket; for the option `transport` of a client. A WebSocketStream can
 * stop reading, so a full inbox slows the sender down; a WebSocket of a page can only be closed then (`INBOX_FULL`).
 *
 * Only Chromium has it (124 and later, in pages and in dedicated workers). For all browsers:
 * `transport: 'WebSocketStream' in globalThis ? webSocketStream() : undefined`. Chromium 156 crashes the page if the connection
 * fails during a write: use it in pages that read much and write little.
 *
 * @throws {WebsocketError} `UNSUPPORTED`, at the call, if there is no WebSocketStream.
 */
export function webSocketStream(): TransportFeature {
  const { WebSocketStream } = globalThis as { WebSocketStream?: NativeStreamConstructor };
  if (WebSocketStream === undefined) throw makeError('UNSUPPORTED', { option: 'transport' });
  const feature: DialFeature = {
    name: 'WebSocketStream',
    dial: ({ url, protocols, maxMessageBytes }, events) => {
      const stream = new WebSocketStream(url.href, { protocols: [...protocols] });
      return new StreamTransport(stream, events, { address: publicAddress(url), maxMessageBytes });
    },
  };
  return feature;
}
