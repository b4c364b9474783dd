import type { ChannelContext } from '../core/channel.js';
import type { Cancel, Clock } from '../core/clock.js';
import type { Platform } from '../core/platform.js';
import type { Transport } from '../core/transport.js';
import { DelayedAck } from './delayed-ack.js';
import type { Incoming } from './incoming.js';
import type { Outgoing } from './outgoing.js';
import { Pinger } from './pinger.js';
import * as Kind from './record-kind.js';

export interface FlushSettings {
  readonly ackDelayMs: number;
  /** 0: batches are sent at the end of the turn. */
  readonly batchDelayMs: number;
  /** A transport that has this many bytes in its buffer gets no batch with control records only. */
  readonly transportMarkBytes: number;
}

/**
 * Sends the open batch at the end of the turn of the event loop, or `batchDelayMs` later, together with the control records that
 * are due.
 */
export class FlushScheduler {
  readonly pinger: Pinger;
  readonly #settings: FlushSettings;
  readonly #outgoing: Outgoing;
  readonly #incoming: Incoming;
  readonly #delayedAck: DelayedAck;
  readonly #endOfTurn: (call: () => void) => void;
  readonly #clock: Clock;
  #transport: Transport | undefined;
  #isScheduled = false;
  /** For `batchDelayMs`: the time of the first record that waits, and the timer that flushes it. */
  #waitsSince = 0;
  #cancelWait: Cancel | undefined;
  /** Control records must be sent even without data. */
  #isDue = false;
  /** After a resume, because the last CREDIT may be lost. */
  #creditIsDue = false;
  /** A control record to send with the others. */
  #control: Uint8Array | undefined;
  /** Records that were reported to `#delayedAck`, or acknowledged by a handshake. */
  #counted = 0;

  constructor(settings: FlushSettings, outgoing: Outgoing, incoming: Incoming, platform: Platform, context: ChannelContext) {
    this.#settings = settings;
    this.#outgoing = outgoing;
    this.#incoming = incoming;
    this.#clock = platform.clock;
    this.#endOfTurn = platform.makeEndOfTurn?.() ?? ((call) => queueMicrotask(call));
    this.#delayedAck = new DelayedAck(settings.ackDelayMs, platform.clock, () => this.due());
    this.pinger = new Pinger(platform.clock, context);
  }

  /** Whether the handshake of the current transport is done. */
  get isOpen(): boolean {
    return this.#transport !== undefined;
  }

  /** The handshake is done. Its count acknowledges all records received on older transports. */
  open(transport: Transport, isResumed: boolean): void {
    this.#transport = transport;
    this.#creditIsDue = isResumed;
    this.#counted = this.#incoming.received;
  }

  /** The transport is gone. */
  close(): void {
    this.#transport = undefined;
    this.#isDue = false;
    this.#endWait();
    this.#delayedAck.reset();
    this.pinger.reset();
  }

  /** The open batch has a new record. */
  readonly written = (): void => {
    if (this.#settings.batchDelayMs === 0) this.#leaveWithTurn();
    else this.#leaveLater(this.#settings.batchDelayMs);
  };

  /** Control records must be sent at the end of the turn. */
  due(): void {
    this.#isDue = true;
    this.#leaveWithTurn();
  }

  /** The transport has room again. */
  drained(): void {
    if (this.#isDue) this.#leaveWithTurn();
  }

  /** The records read so far must be acknowledged. */
  count(): void {
    const { received } = this.#incoming;
    this.#delayedAck.received(received - this.#counted);
    this.#counted = received;
  }

  /** A whole batch has been read. */
  read(): void {
    this.count();
    this.pinger.read();
    // The application does not read the fragments of an incomplete message, and the sender may wait for their credit.
    if (this.pinger.isDue || this.#incoming.credit.isOwed) this.due();
  }

  /** The peer has sent END and waits for its acknowledgement. */
  over(): void {
    this.count();
    this.#writeControls();
    this.#outgoing.sendBatch();
  }

  /** Sends the open batch and the control records now. */
  readonly flush = (): void => {
    this.#isScheduled = false;
    this.#endWait();
    const transport = this.#transport;
    if (transport === undefined) return;
    const { batcher } = this.#outgoing;
    // A peer that does not read gets no control records either: they are sums, so the last ones suffice.
    const hasRoom = batcher.bytes > 0 || transport.bufferedBytes < this.#settings.transportMarkBytes;
    if (!hasRoom || (batcher.bytes === 0 && !this.#isDue)) return;
    this.#isDue = false;
    this.#writeControls();
    this.#outgoing.endTurn();
  };

  /** Sends the record at once: END may follow in the same turn, and a peer that has read END reads no further. */
  sendControl(record: Uint8Array): void {
    this.#control = record;
    this.#isDue = true;
    this.flush();
  }

  #leaveWithTurn(): void {
    if (this.#isScheduled || this.#transport === undefined) return;
    this.#isScheduled = true;
    this.#endOfTurn(this.flush);
  }

  #leaveLater(delayMs: number): void {
    if (this.#transport === undefined) return;
    const now = this.#clock.now();
    if (this.#cancelWait === undefined) {
      this.#waitsSince = now;
      this.#cancelWait = this.#clock.after(delayMs, this.flush);
    }
    // The timers of a hidden page are late.
    if (Math.abs(now - this.#waitsSince) >= delayMs) this.#leaveWithTurn();
  }

  #endWait(): void {
    this.#cancelWait?.();
    this.#cancelWait = undefined;
  }

  #writeControls(): void {
    const { batcher } = this.#outgoing;
    const { credit, received } = this.#incoming;
    if (this.#delayedAck.isOwed) {
      batcher.number(Kind.ack, received);
      this.#delayedAck.sent();
    }
    if (credit.isUseful || this.#creditIsDue) batcher.number(Kind.credit, credit.announce());
    this.#creditIsDue = false;
    this.pinger.write(batcher);
    if (this.#control !== undefined) batcher.control(this.#control);
    this.#control = undefined;
  }
}
