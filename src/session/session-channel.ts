import type { Channel, ChannelContext, ChannelControl, ChannelSink, Leftover } from '../core/channel.js';
import * as CloseCode from '../core/close-codes.js';
import { makeError, type WebsocketError } from '../core/errors.js';
import type { Extension, RecordPort } from '../core/extension.js';
import type { Platform } from '../core/platform.js';
import type { Recover } from '../core/state.js';
import type { Transport } from '../core/transport.js';
import type { CloseInfo, Delivery, Message } from '../core/types.js';
import * as SessionCloseCode from './close-code.js';
import { encodeGoodbye, FieldReader, MAX_BATCH_BYTES, RecordReader, SESSION_PROTOCOL } from './codec.js';
import { type Control, decodeControl, encodeControl } from './controls.js';
import { type ExtensionHost, Extensions } from './extensions.js';
import { FlushScheduler, type FlushSettings } from './flush-scheduler.js';
import { type Agreement, goneContinuity, type Handshake, resumedContinuity, type Self } from './handshake.js';
import { type Fault, Incoming, malformed, type ReceiveRecord } from './incoming.js';
import { Outgoing, type OutgoingBounds } from './outgoing.js';
import * as Kind from './record-kind.js';

/** Longest time that LEAVE delays the next attempt of a client. */
const MAX_LEAVE_MS = 300_000;

export interface SessionSettings extends OutgoingBounds, FlushSettings {
  /** Bytes of unread messages at which the sender has no more credit. */
  readonly windowBytes: number;
  readonly maxMessageBytes: number;
  /** Bits of the extensions that this side understands. */
  readonly features?: number;
  /** Shared by the sessions of a server. */
  readonly decoder?: TextDecoder;
}

/** gem.1 over one transport after another, in the role of its handshake: client or server. */
export class SessionChannel implements Channel, ExtensionHost {
  readonly resumes = true;
  readonly holdsPeer = true;
  readonly maxFrameBytes = MAX_BATCH_BYTES;
  readonly recover: Recover;
  readonly #sink: ChannelSink;
  readonly #control: ChannelControl;
  readonly #handshake: Handshake;
  readonly #settings: SessionSettings;
  readonly outgoing: Outgoing;
  readonly incoming: Incoming;
  protected readonly flushScheduler: FlushScheduler;
  #transport: Transport | undefined;
  #initialCredit = 0;
  /** Code and reason of the END of this side. */
  protected goodbye: CloseInfo | undefined;
  /** An ACK or a CREDIT of the current batch may have made room. A batch may hold tens of thousands, so the outbox is pumped once at its end. */
  #mayPump = false;
  /** Whether the peer has sent a handshake on this transport, and so speaks gem.1. */
  #isUnderstood = false;
  protected extensions: Extensions | undefined;
  /** Those that the peer announced. */
  features = 0;

  constructor(context: ChannelContext, handshake: Handshake, settings: SessionSettings, platform: Platform) {
    const { sink, control } = context;
    this.recover = handshake.recover;
    this.#sink = sink;
    this.#control = control;
    this.#handshake = handshake;
    this.#settings = settings;
    const receive: ReceiveRecord = (kind, bytes, start, end) => this.receiveRecord(kind, bytes, start, end);
    this.incoming = new Incoming(settings.windowBytes, settings.maxMessageBytes, sink, receive, settings.decoder);
    this.outgoing = new Outgoing(settings, sink, {
      wrote: () => this.flushScheduler.written(),
      refused: (error) => this.#refused(error),
      pump: () => this.extensions?.pump() === true,
      areIdle: () => this.extensions?.areIdle !== false,
    });
    this.flushScheduler = new FlushScheduler(settings, this.outgoing, this.incoming, platform, context);
  }

  get bufferedBytes(): number {
    return this.outgoing.bufferedBytes;
  }

  get isDone(): boolean {
    return this.#transport === undefined && !this.#handshake.hasSession && this.outgoing.isIdle;
  }

  offer(protocols: readonly string[]): readonly string[] {
    return [SESSION_PROTOCOL, ...protocols];
  }

  protocolOf(): string {
    return this.#handshake.protocol;
  }

  send(message: string | Uint8Array<ArrayBuffer>, bytes: number, delivery: Delivery): number {
    return this.outgoing.send(message, bytes, delivery);
  }

  attach(transport: Transport): void {
    this.#transport = transport;
    this.#isUnderstood = false;
    if (transport.protocol !== SESSION_PROTOCOL) {
      this.#control.fail(SessionCloseCode.unsupported, unsupported(transport.protocol));
      return;
    }
    this.#say(this.#handshake.open(this.#self()));
  }

  detach(): void {
    this.#transport = undefined;
    this.flushScheduler.close();
    this.outgoing.detach();
    this.extensions?.detached();
    this.#sink.drained();
  }

  received(message: Message): void {
    const transport = this.#transport;
    const fault = typeof message === 'string' ? malformed('a text message') : this.#read(new RecordReader(message), transport);
    if (fault !== undefined && this.#transport === transport) this.#fail(fault);
  }

  drained(): void {
    this.outgoing.pump();
    this.flushScheduler.drained();
    this.#sink.drained();
  }

  consumed(bytes: number): void {
    this.incoming.credit.consume(bytes);
    if (this.incoming.credit.isOwed) this.flushScheduler.due();
  }

  close(code: number, reason: string): void {
    this.goodbye ??= { code, reason, wasClean: true };
    // A message handler may close in the middle of a batch, and a peer that has read END reads no later acknowledgement.
    this.flushScheduler.count();
    this.outgoing.finish(encodeGoodbye(code, reason));
    this.outgoing.pump();
    // Not at the end of the turn: in the handler of the process's exit there is none.
    this.flushScheduler.flush();
  }

  end(): Leftover {
    this.#transport = undefined;
    const leftover = this.outgoing.end();
    this.extensions?.ended();
    return leftover;
  }

  extension<E extends Extension>(name: string, make: (port: RecordPort) => E): E {
    this.extensions ??= new Extensions(this);
    return this.extensions.get(name, make);
  }

  get isOpen(): boolean {
    return this.flushScheduler.isOpen;
  }

  readonly ping = (): void => {
    this.flushScheduler.pinger.ask();
    this.flushScheduler.due();
  };

  /** A record that is no message. */
  protected receiveRecord(kind: number, bytes: Uint8Array, start: number, end: number): Fault | undefined {
    return this.extensions?.receive(kind, bytes, start, end);
  }

  #read(records: RecordReader, transport: Transport | undefined): Fault | undefined {
    let fault: Fault | undefined;
    // A handler may close the connection in the middle of a batch: the rest of the batch counts as not received.
    while (fault === undefined && this.#transport === transport && records.next()) {
      fault = this.flushScheduler.isOpen ? this.#take(records) : this.#agree(records);
    }
    fault ??= records.fault === undefined ? undefined : malformed(records.fault);
    if (this.#transport !== transport || fault !== undefined) return fault;
    if (this.#mayPump) {
      this.#mayPump = false;
      this.#pump();
    }
    const { end } = this.incoming;
    if (end !== undefined) {
      this.#over(end);
      return undefined;
    }
    this.flushScheduler.read();
    return undefined;
  }

  #take(record: RecordReader): Fault | undefined {
    switch (record.kind) {
      case Kind.ack:
      case Kind.credit:
        return this.#count(record);
      case Kind.ping:
      case Kind.pong:
        return this.flushScheduler.pinger.receive(record);
      case Kind.control:
        return this.#readControl(record);
      default:
        return record.kind === Kind.transient
          ? this.receiveRecord(record.kind, record.batch, record.start, record.end)
          : this.incoming.take(record);
    }
  }

  #count({ kind, batch, start, end }: RecordReader): Fault | undefined {
    const fields = new FieldReader(batch, start, end);
    const count = fields.varint();
    if (!fields.isSound) return malformed('an invalid count');
    if (kind === Kind.credit) this.outgoing.credit.grant(count);
    else if (!this.outgoing.acknowledge(count)) return malformed('an invalid acknowledgement');
    this.#mayPump = !this.#isFinished();
    return undefined;
  }

  /** Ends the connection once the peer has acknowledged END and everything before it. */
  #isFinished(): boolean {
    if (!this.outgoing.isOver || this.goodbye === undefined) return false;
    this.#control.ended(this.goodbye);
    return true;
  }

  #readControl({ batch, start, end }: RecordReader): Fault | undefined {
    const control = decodeControl(batch, start, end);
    if (control === undefined) return malformed('an invalid control record');
    if (control.is === 'leave') this.#control.retryAfter(Math.min(control.delayMs, MAX_LEAVE_MS));
    else if (control.is !== 'unknown') return malformed('an unexpected handshake');
    return undefined;
  }

  #agree({ kind, batch, start, end }: RecordReader): Fault | undefined {
    const control = kind === Kind.control ? decodeControl(batch, start, end) : undefined;
    // An echo server sends the client's own HELLO.
    this.#isUnderstood = kind === Kind.control && control?.is !== 'hello' && control?.is !== 'resume';
    if (control === undefined || control.is === 'unknown') return malformed('no handshake');
    const agreement = this.#handshake.receive(control, this.#self());
    if (agreement === undefined) return malformed('an unexpected handshake');
    this.#isUnderstood = true;
    if (agreement.isResumed && !this.outgoing.acknowledge(agreement.progress.received)) return malformed('an invalid acknowledgement');
    this.#say(agreement.answer);
    if (!agreement.isResumed) this.incoming.reset(this.#initialCredit);
    this.#start(agreement);
    return undefined;
  }

  /** Opens the connection. The application gets the report of the session before any message. */
  #start(agreement: Agreement): void {
    const transport = this.#transport as Transport;
    this.flushScheduler.open(transport, agreement.isResumed);
    if (agreement.isResumed) {
      const { messagesSent } = agreement.progress;
      const replayed = this.outgoing.rewind() + Math.max(0, messagesSent - this.incoming.messagesReceived);
      this.outgoing.open(transport);
      this.#control.ready(resumedContinuity(replayed));
    } else {
      const { initialCredit, maxMessageBytes, features = 0 } = agreement.terms;
      this.features = features;
      const undelivered = this.outgoing.reset(initialCredit, maxMessageBytes);
      this.outgoing.open(transport);
      this.#control.ready(goneContinuity(undelivered.length, agreement));
      if (undelivered.length > 0) this.#control.undelivered(undelivered);
    }
    if (this.#transport !== transport || this.#isFinished()) return;
    this.flushScheduler.pinger.ask();
    this.extensions?.opened(agreement.isResumed);
    this.#pump();
    this.flushScheduler.due();
  }

  /** The initial credit of a new session is the announced one, even if the application has read messages since. */
  #say(control: Control | undefined): void {
    if (control === undefined) return;
    if ('initialCredit' in control) this.#initialCredit = control.initialCredit;
    this.#transport?.send(encodeControl(control));
  }

  #self(): Self {
    return {
      terms: {
        initialCredit: this.incoming.credit.initial,
        maxMessageBytes: this.#settings.maxMessageBytes,
        features: this.#settings.features,
      },
      progress: { received: this.incoming.received, messagesSent: this.outgoing.messagesSent },
    };
  }

  #pump(): void {
    this.outgoing.pump();
    this.#sink.drained();
  }

  /** The open batch is sent before the close frame. */
  #refused(error: WebsocketError): void {
    this.flushScheduler.flush();
    this.#control.terminate({ code: CloseCode.messageTooBig, reason: error.code, wasClean: false }, error);
  }

  /** The peer has sent END and waits for its acknowledgement. */
  #over(info: CloseInfo): void {
    this.flushScheduler.over();
    this.#handshake.forget(`The peer ended the session with ${info.code}.`);
    this.#control.ended(info);
  }

  #fail({ code, what }: Fault): void {
    if (!this.#isUnderstood) {
      this.#control.fail(SessionCloseCode.unsupported, unsupported(SESSION_PROTOCOL, what));
      return;
    }
    this.#handshake.forget('The peer violated the session protocol.');
    this.#control.fail(code, makeError('PROTOCOL_ERROR', { closeCode: code, fault: what }));
  }
}

/** `fault`: the first message of a server that selected gem.1 and does not speak it. */
export function unsupported(protocol: string, fault?: string): WebsocketError {
  const context = { protocol, closeCode: SessionCloseCode.unsupported };
  return makeError('UNSUPPORTED', fault === undefined ? context : { ...context, fault });
}
