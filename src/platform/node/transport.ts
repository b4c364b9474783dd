import { isAscii } from 'node:buffer';
import type { IncomingMessage } from 'node:http';
import type { Duplex } from 'node:stream';
import * as CloseCode from '../../core/close-codes.js';
import { fittingReason } from '../../core/close-codes.js';
import { makeError, type WebsocketError } from '../../core/errors.js';
import { TRANSPORT_MARK_BYTES } from '../../core/plain-channel.js';
import type { AcceptedTransport, TransportEvents } from '../../core/transport.js';
import type { CloseInfo, Message } from '../../core/types.js';
import { BudgetedReader, type BudgetedReaderEvents, type Split } from './budgeted-reader.js';
import { FrameWriter, type SharedFrame } from './frame-writer.js';
import { PongWriter } from './pong-writer.js';
import type { ReadScheduler } from './read-scheduler.js';
import { TurnEnd } from './turn-end.js';
import { type OwnedWebSocket, protocolError, refusedSize, unreachable, type WebSocketOwner } from './ws.js';

/** Called when this side closes an accepted socket, which then waits for the peer's answer without an owner. */
type Ending = (socket: Duplex) => void;

/** The message of ws if the server selected a subprotocol that was not offered, or none. */
const SUBPROTOCOL = /^Server sent .*subprotocol/;

/** Frames of so many bytes are written before the turn ends: the peer reads them while this side still sends. */
const FLUSH_BYTES = 16_384;

/** From this length on, the check for ASCII pays. */
const LONG_BYTES = 4_096;

/** A dialled transport has an address for its errors; an accepted one has its socket. */
export type TransportOrigin = ({ readonly address: string } | AcceptedSocket) & {
  /** The bound that ws has, for its errors. */
  readonly maxMessageBytes?: number;
};

/** The parts that all sockets of a server share. */
export interface Sharing {
  readonly scheduler: ReadScheduler;
  readonly turnEnd: TurnEnd;
  readonly shared: SharedFrames;
}

export interface AcceptedSocket extends Sharing {
  readonly socket: Duplex;
  readonly split?: Split;
  readonly ending?: Ending;
}

/** Frames that are encoded once for many sockets. Only a server has them, because a client masks its frames. */
export interface SharedFrames {
  /** Undefined if the message is none that is shared. */
  frameOf(message: string | Uint8Array<ArrayBuffer>): SharedFrame | undefined;
}

/** A WebSocket of `ws`, dialled or accepted. */
export class NodeTransport implements AcceptedTransport, WebSocketOwner, BudgetedReaderEvents {
  readonly #ws: OwnedWebSocket;
  events!: TransportEvents;
  readonly #maxMessageBytes: number | undefined;
  readonly #ending: Ending | undefined;
  readonly #shared: SharedFrames | undefined;
  readonly #turnEnd: TurnEnd;
  /** Undefined before the handshake is done, and with an extension: then ws writes the frames, and no two of them together. */
  #frames: FrameWriter | undefined;
  #socket: Duplex | undefined;
  /** Of an accepted socket, which shares the event loop with the others. */
  readonly #reader: BudgetedReader | undefined;
  /** Since the first ping of the peer. */
  #pongs: PongWriter | undefined;
  #isFlushing = false;
  /** Data was left in the socket's buffer, so `drained` has to follow. */
  #isBacked = false;

  /** @param events may be set later for an accepted socket. */
  constructor(ws: OwnedWebSocket, origin: TransportOrigin, events?: TransportEvents) {
    this.#ws = ws;
    if (events !== undefined) this.events = events;
    this.#maxMessageBytes = origin.maxMessageBytes;
    if ('socket' in origin) {
      this.#socket = origin.socket;
      this.#ending = origin.ending;
      this.#shared = origin.shared;
      this.#turnEnd = origin.turnEnd;
      this.#reader = this.#makeReader(origin);
      this.#writeTo(origin.socket, false);
    } else {
      this.#turnEnd = new TurnEnd();
      this.#listenToHandshake(origin.address);
    }
    ws.setOwner(this);
  }

  get protocol(): string {
    return this.#ws.protocol;
  }

  get bufferedBytes(): number {
    return this.#ws.bufferedAmount + (this.#frames?.bytes ?? 0);
  }

  get isEnding(): boolean {
    return this.#ws.readyState > this.#ws.OPEN;
  }

  send(message: string | Uint8Array<ArrayBuffer>, bytes = byteLength(message)): void {
    const frames = this.#frames;
    this.#isBacked = true;
    if (frames === undefined) this.#ws.send(message, this.#flushed);
    else if (this.#ws.readyState === this.#ws.OPEN) {
      const frame = this.#shared?.frameOf(message);
      if (frame === undefined) frames.write(message, bytes);
      else frames.share(frame);
      if (frames.bytes >= FLUSH_BYTES) this.flush();
      else this.#flushLater();
    }
  }

  readonly flush = (): void => {
    this.#isFlushing = false;
    this.#frames?.flush();
  };

  ping(): void {
    this.flush();
    this.#ws.ping(undefined, undefined, ignore);
  }

  pause(): void {
    if (this.#reader === undefined) this.#ws.pause();
    else this.#reader.hold();
  }

  resume(): void {
    if (this.#reader === undefined) this.#ws.resume();
    else this.#reader.release();
  }

  close(code: number, reason: string): void {
    // One write with the frames before it: in a handler of the process's `exit` event, TLS gets no later turn for a second one.
    this.#socket?.cork();
    // ws throws for a reason that is too long, and a transport must not throw.
    this.#ws.close(code, fittingReason(reason));
    this.#socket?.uncork();
  }

  detach(code?: number, reason?: string): void {
    this.#ws.removeAllListeners();
    this.#ws.on('error', ignore);
    this.#reader?.stop();
    if (code === undefined || this.#ws.readyState === this.#ws.CONNECTING) this.#ws.terminate();
    else {
      this.#reportEnding();
      this.close(code, reason ?? '');
      this.#ws.resume();
    }
  }

  #reportEnding(): void {
    if (this.#socket !== undefined) this.#ending?.(this.#socket);
  }

  /** Frames that ws writes itself, such as its close frame, follow the gathered frames. */
  #writeTo(socket: Duplex, isMasked: boolean): void {
    socket.prependListener('end', this.flush);
    this.#frames = new FrameWriter(socket, isMasked, this.#flushed);
  }

  /** The first of these listeners is called before the one of ws, the second after it. */
  #makeReader({ socket, scheduler, split }: AcceptedSocket): BudgetedReader {
    const reader = new BudgetedReader(scheduler, split, this);
    socket.prependListener('data', reader.began);
    socket.on('data', reader.ended);
    return reader;
  }

  received(message: Message, bytes: number): void {
    this.events.received(message, bytes);
  }

  pauseSocket(): void {
    this.#ws.pause();
  }

  resumeSocket(): void {
    this.#ws.resume();
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
      if (ws.extensions === '') this.#writeTo(this.#socket as Duplex, true);
      this.events.opened();
    });
  }

  message(data: Buffer, isBinary: boolean): void {
    const { byteLength } = data;
    const message = isBinary ? new Uint8Array(data.buffer, data.byteOffset, byteLength) : textOf(data);
    (this.#reader ?? this.events).received(message, byteLength);
  }

  pinged(payload: Buffer): void {
    const ws = this.#ws;
    this.flush();
    this.#pongs ??= new PongWriter(
      (answer, written) => ws.pong(answer, undefined, written),
      () => {
        ws.terminate(); // The peer does not read, so a close frame would not reach it.
        const closeCode = CloseCode.policyViolation;
        this.#end(closeCode, makeError('PROTOCOL_ERROR', { closeCode, fault: 'pings' }));
      },
    );
    if (ws.readyState === ws.OPEN) this.#pongs.answer(payload);
    this.events.alive();
  }

  ponged(): void {
    this.events.pong();
  }

  failed(cause: Error): void {
    const ws = this.#ws;
    if (ws.readyState === ws.CONNECTING || this.#socket === undefined) return;
    const failure = protocolError(cause, this.#maxMessageBytes, refusedSize(ws, this.#maxMessageBytes));
    if (failure !== undefined) this.#end(failure.code, failure.error);
  }

  ended(code: number, reason: Buffer): void {
    this.#closed({ code, reason: reason.toString('utf8'), wasClean: code !== CloseCode.abnormal });
  }

  /** Reports the end. ws closes the socket by itself. */
  #end(code: number, error: WebsocketError): void {
    const ws = this.#ws;
    ws.removeAllListeners();
    ws.on('error', ignore);
    this.#reportEnding();
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
    if (error || !this.#isBacked || this.bufferedBytes >= TRANSPORT_MARK_BYTES) return;
    this.#isBacked = this.bufferedBytes > 0;
    this.events.drained();
  };

  /** Everything sent in one turn of the event loop leaves in one system call. */
  #flushLater(): void {
    if (this.#isFlushing) return;
    this.#isFlushing = true;
    this.#turnEnd.add(this.flush);
  }
}

function byteLength(message: string | Uint8Array): number {
  return typeof message === 'string' ? Buffer.byteLength(message) : message.length;
}

/** ws has checked that it is UTF-8. Long ASCII is copied without a conversion, in two thirds of the time. */
function textOf(data: Buffer): string {
  return data.toString(data.length >= LONG_BYTES && isAscii(data) ? 'latin1' : 'utf8');
}

function ignore(): void {}
