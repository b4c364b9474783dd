import type { IncomingMessage } from 'node:http';
import type { Duplex } from 'node:stream';
import type WebSocket from 'isomorphic-ws';
import * as CloseCode from '../../core/close-code.js';
import { fittingReason } from '../../core/close-codes.js';
import { makeError, type WebsocketError } from '../../core/errors.js';
import { TRANSPORT_MARK_BYTES } from '../../core/plain-channel.js';
import type { AcceptedTransport, TransportEvents } from '../../core/transport.js';
import type { CloseInfo, Message } from '../../core/types.js';
import { BudgetedReader, type Split } from './budgeted-reader.js';
import { protocolError, refusedSize, unreachable } from './failures.js';
import { Frame } from './frame.js';
import { PongWriter } from './pong-writer.js';
import type { ReadScheduler } from './read-scheduler.js';

/** Called when this side ends the transport, whose socket then waits for the peer's answer without an owner. */
type Ending = () => void;

/** What ws says of a server that selected another subprotocol than those offered, or none. */
const SUBPROTOCOL = /^Server sent .*subprotocol/;

/** Where a transport comes from: dialled, with the address for its errors, or accepted together with its socket. */
export type TransportOrigin = ({ readonly address: string } | AcceptedSocket) & {
  /** As ws was told it, for its errors. */
  readonly maxMessageBytes?: number;
};

export interface AcceptedSocket {
  readonly socket: Duplex;
  /** Shared by all sockets of a server. */
  readonly scheduler: ReadScheduler;
  readonly split?: Split;
  readonly ending?: Ending;
}

/** A `ws` WebSocket as core wants it. */
export class NodeTransport implements AcceptedTransport {
  readonly #ws: WebSocket;
  events!: TransportEvents;
  readonly #maxMessageBytes: number | undefined;
  readonly #ending: Ending | undefined;
  #socket: Duplex | undefined;
  /** Of an accepted socket: shares the event loop with the others. A socket that was dialled is read as it comes. */
  readonly #reader: BudgetedReader | undefined;
  #isCorked = false;
  /** Something was left in the socket's buffer, and somebody may wait for it to go. */
  #isBacked = false;

  /** @param events may be set later for an accepted socket. */
  constructor(ws: WebSocket, origin: TransportOrigin, events?: TransportEvents) {
    this.#ws = ws;
    if (events !== undefined) this.events = events;
    this.#maxMessageBytes = origin.maxMessageBytes;
    if ('socket' in origin) {
      this.#socket = origin.socket;
      this.#ending = origin.ending;
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
    if (message instanceof Frame) this.#sendFrame(message);
    else this.#ws.send(message, this.#flushed);
    if (this.#ws.bufferedAmount > 0) this.#isBacked = true;
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
    // ws throws if it does not fit, and a transport may not.
    this.#ws.close(code, fittingReason(reason));
    // In the handler of the process's exit there is no later turn.
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

  /** Without compression ws holds nothing back: what is written to the socket here stands where it was sent. */
  #sendFrame(frame: Frame): void {
    if (this.#ws.readyState === this.#ws.OPEN) this.#socket?.write(frame, this.#flushed);
  }

  /** ws listens already: the first of these listeners is called before it, the second after it. */
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
        ws.terminate(); // it reads nothing, a close frame neither
        const closeCode = CloseCode.policyViolation;
        // Pings are legal; so many of them, with no pong read, are an attack.
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

  /** The transport is of no more use: what ws still has to do with the socket it does unattended. */
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
    // The fault may have come in one packet with the handshake: whoever awaits `connect()` must get to listen first.
    else setImmediate(tell);
  }

  readonly #flushed = (error?: Error | null): void => {
    // What could not be written has not made room: `closed` follows.
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
