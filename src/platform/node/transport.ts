import type { IncomingMessage } from 'node:http';
import type { Duplex } from 'node:stream';
import type WebSocket from 'isomorphic-ws';
import * as CloseCode from '../../core/close-code.js';
import { fittingReason } from '../../core/close-codes.js';
import { makeError, type WebsocketError } from '../../core/errors.js';
import { TRANSPORT_MARK_BYTES } from '../../core/plain-channel.js';
import type { AcceptedTransport, TransportEvents } from '../../core/transport.js';
import type { CloseInfo, Message } from '../../core/types.js';
import type { Broadcast } from './broadcast.js';
import { BudgetedReader, type Split } from './budgeted-reader.js';
import { PongWriter } from './pong-writer.js';
import type { ReadScheduler } from './read-scheduler.js';
import { protocolError, refusedSize, unreachable } from './ws.js';

/** Called when this side closes an accepted socket, which then waits for the peer's answer without an owner. */
type Ending = () => void;

/** The message of ws if the server selected a subprotocol that was not offered, or none. */
const SUBPROTOCOL = /^Server sent .*subprotocol/;

/** A corked socket that buffers so much is written to before the turn ends: the peer reads it while this side still sends. */
const UNCORK_BYTES = 32_768;

/** Of a transport that was dialled, the address for its errors; of one that was accepted, its socket. */
export type TransportOrigin = ({ readonly address: string } | AcceptedSocket) & {
  /** The bound that ws has, for its errors. */
  readonly maxMessageBytes?: number;
};

export interface AcceptedSocket {
  readonly socket: Duplex;
  /** Shared by all sockets of a server. */
  readonly scheduler: ReadScheduler;
  readonly split?: Split;
  readonly ending?: Ending;
  /** Shared by all sockets of a server. */
  readonly broadcast?: Broadcast;
}

/** A WebSocket of `ws`, dialled or accepted. */
export class NodeTransport implements AcceptedTransport {
  readonly #ws: WebSocket;
  events!: TransportEvents;
  readonly #maxMessageBytes: number | undefined;
  readonly #ending: Ending | undefined;
  readonly #broadcast: Broadcast | undefined;
  #socket: Duplex | undefined;
  /** Of an accepted socket, which shares the event loop with the others. */
  readonly #reader: BudgetedReader | undefined;
  #isCorked = false;
  /** Data was left in the socket's buffer, so `drained` has to follow. */
  #isBacked = false;

  /** @param events may be set later for an accepted socket. */
  constructor(ws: WebSocket, origin: TransportOrigin, events?: TransportEvents) {
    this.#ws = ws;
    if (events !== undefined) this.events = events;
    this.#maxMessageBytes = origin.maxMessageBytes;
    if ('socket' in origin) {
      this.#socket = origin.socket;
      this.#ending = origin.ending;
      this.#broadcast = origin.broadcast;
      this.#reader = this.#makeReader(origin);
    } else this.#listenToHandshake(origin.address);
    this.#listen();
  }

  get protocol(): string {
    return this.#ws.protocol;
  }

  get bufferedBytes(): number {
    return this.#ws.bufferedAmount;
  }

  get isEnding(): boolean {
    return this.#ws.readyState > this.#ws.OPEN;
  }

  readonly send = (message: string | Uint8Array<ArrayBuffer>): void => {
    this.#cork();
    const frame = this.#broadcast?.frameOf(message);
    if (frame === undefined) this.#ws.send(message, this.#flushed);
    else this.#sendFrame(frame);
    const { bufferedAmount } = this.#ws;
    if (bufferedAmount > 0) this.#isBacked = true;
    if (bufferedAmount >= UNCORK_BYTES) this.flush();
  };

  readonly flush = (): void => {
    if (!this.#isCorked) return;
    this.#isCorked = false;
    this.#socket?.uncork();
  };

  readonly ping = (): void => {
    this.#ws.ping(undefined, undefined, ignore);
  };

  readonly pause = (): void => {
    if (this.#reader === undefined) this.#ws.pause();
    else this.#reader.hold();
  };

  readonly resume = (): void => {
    if (this.#reader === undefined) this.#ws.resume();
    else this.#reader.release();
  };

  close(code: number, reason: string): void {
    // ws throws for a reason that is too long, and a transport must not throw.
    this.#ws.close(code, fittingReason(reason));
    // In a handler of the process's `exit` event there is no later turn.
    this.flush();
  }

  detach(code?: number, reason?: string): void {
    this.#ws.removeAllListeners();
    this.#ws.on('error', ignore);
    this.#reader?.stop();
    if (code === undefined || this.#ws.readyState === this.#ws.CONNECTING) this.#ws.terminate();
    else {
      this.#ending?.();
      this.close(code, reason ?? '');
      this.#ws.resume();
    }
  }

  /** Without compression ws queues nothing, so a frame that is written to the socket here keeps its place among those of ws. */
  #sendFrame(frame: Buffer): void {
    if (this.#ws.readyState === this.#ws.OPEN) this.#socket?.write(frame, this.#flushed);
  }

  /** The first of these listeners is called before the one of ws, the second after it. */
  #makeReader({ socket, scheduler, split }: AcceptedSocket): BudgetedReader {
    const reader = new BudgetedReader(scheduler, split, {
      received: (message, bytes) => this.events.received(message, bytes),
      pauseSocket: () => this.#ws.pause(),
      resumeSocket: () => this.#ws.resume(),
    });
    socket.prependListener('data', reader.began);
    socket.on('data', reader.ended);
    return reader;
  }

  #received(message: Message, bytes: number): void {
    if (this.#reader === undefined) this.events.received(message, bytes);
    else this.#reader.received(message, bytes);
  }

  /** After the last message that was received before. */
  #closed(info: CloseInfo, error?: WebsocketError): void {
    const tell = () => this.events.closed(info, error);
    if (this.#reader === undefined) tell();
    else this.#reader.closed(tell);
  }

  #listenToHandshake(address: string): void {
    const ws = this.#ws;
    let selected = '';
    ws.on('upgrade', (response: IncomingMessage) => {
      this.#socket = response.socket;
      selected = response.headers['sec-websocket-protocol'] ?? '';
    });
    ws.on('unexpected-response', (_request: unknown, response: IncomingMessage) => {
      this.#end(CloseCode.abnormal, makeError('CONNECT_FAILED', { address, status: response.statusCode ?? 0 }));
    });
    const onError = (cause: Error) => {
      const isAboutProtocol = SUBPROTOCOL.test(cause.message);
      const error = isAboutProtocol ? makeError('CONNECT_FAILED', { address, protocol: selected }) : unreachable(address, cause);
      this.#end(CloseCode.abnormal, error);
    };
    ws.on('error', onError);
    ws.on('open', () => {
      ws.off('error', onError);
      this.events.opened();
    });
  }

  #listen(): void {
    const ws = this.#ws;
    ws.on('message', (data: Buffer, isBinary: boolean) => {
      const { byteLength } = data;
      this.#received(isBinary ? new Uint8Array(data.buffer, data.byteOffset, byteLength) : data.toString('utf8'), byteLength);
    });
    const pongs = new PongWriter(
      (payload, written) => ws.pong(payload, undefined, written),
      () => {
        ws.terminate(); // The peer does not read, so a close frame would not reach it.
        const closeCode = CloseCode.policyViolation;
        this.#end(closeCode, makeError('PROTOCOL_ERROR', { closeCode, fault: 'pings' }));
      },
    );
    ws.on('ping', (payload: Buffer) => {
      if (ws.readyState === ws.OPEN) pongs.answer(payload);
      this.events.alive();
    });
    ws.on('pong', () => this.events.pong());
    ws.on('error', (cause: Error) => {
      if (ws.readyState === ws.CONNECTING || this.#socket === undefined) return;
      const failure = protocolError(cause, this.#maxMessageBytes, refusedSize(ws, this.#maxMessageBytes));
      if (failure !== undefined) this.#end(failure.code, failure.error);
    });
    ws.on('close', (code: number, reason: Buffer) => {
      this.#closed({ code, reason: reason.toString('utf8'), wasClean: code !== CloseCode.abnormal });
    });
  }

  /** Reports the end. ws closes the socket by itself. */
  #end(code: number, error: WebsocketError): void {
    const ws = this.#ws;
    ws.removeAllListeners();
    ws.on('error', ignore);
    this.#ending?.();
    const tell = () => this.#closed({ code, reason: error.message, wasClean: false }, error);
    if (ws.readyState === ws.CONNECTING) {
      ws.terminate();
      tell();
    }
    // The fault may be in one packet with the handshake: code that awaits `connect()` adds its listeners first.
    else setImmediate(tell);
  }

  readonly #flushed = (error?: Error | null): void => {
    // After an error `closed` follows.
    if (error || !this.#isBacked || this.#ws.bufferedAmount >= TRANSPORT_MARK_BYTES) return;
    this.#isBacked = this.#ws.bufferedAmount > 0;
    this.events.drained();
  };

  /** Everything sent in one turn of the event loop leaves in one system call. */
  #cork(): void {
    if (this.#isCorked || this.#socket === undefined) return;
    this.#isCorked = true;
    this.#socket.cork();
    process.nextTick(this.flush);
  }
}

function ignore(): void {}
