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
  /** 0: all leaves with the turn. */
  readonly batchDelayMs: number;
  /** A transport that holds so much gets no control records for their own sake. */
  readonly transportMarkBytes: number;
}

/**
 * The end of each turn of the event loop: what was written leaves then, or `batchDelayMs` later, with the control records that
 * are owed.
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
  /** Of `batchDelayMs`: since when something waits, and the timer that ends it. */
  #waitsSince = 0;
  #cancelWait: Cancel | undefined;
  /** Control records must leave, although no data does. */
  #isDue = false;
  /** After a resume: the last one may have been lost. */
  #creditIsDue = false;
  /** A control record to send with the others. */
  #control: Uint8Array | undefined;
  /** How many records the acknowledger knows to be owed, or were acknowledged. */
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

  /** Whether the handshake of the present transport is done. */
  get isOpen(): boolean {
    return this.#transport !== undefined;
  }

  /** The handshake is done. It has said what was received: all that was counted on an older transport is acknowledged with it. */
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

  /** Something was written that leaves with the turn, or a while later. */
  readonly written = (): void => {
    if (this.#settings.batchDelayMs === 0) this.#leaveWithTurn();
    else this.#leaveLater(this.#settings.batchDelayMs);
  };

  /** Control records must leave with the turn. */
  due(): void {
    this.#isDue = true;
    this.#leaveWithTurn();
  }

  /** The transport has room again for what is due. */
  drained(): void {
    if (this.#isDue) this.#leaveWithTurn();
  }

  /** What was read so far is owed its acknowledgement. */
  count(): void {
    const { received } = this.#incoming;
    this.#delayedAck.received(received - this.#counted);
    this.#counted = received;
  }

  /** A batch was read to its end. */
  read(): void {
    this.count();
    this.pinger.read();
    // The parts of a message that is not whole are never consumed, and the sender may wait for what is lent for them.
    if (this.pinger.isDue || this.#incoming.credit.isOwed) this.due();
  }

  /** The peer's END came: what it waits for is the acknowledgement. */
  over(): void {
    this.count();
    this.#writeControls();
    this.#outgoing.sendBatch();
  }

  /** Now, whatever the turn still brings. */
  readonly flush = (): void => {
    this.#isScheduled = false;
    this.#endWait();
    const transport = this.#transport;
    if (transport === undefined) return;
    const { batcher } = this.#outgoing;
    // A peer that reads nothing gets no more control records either: they are sums, and the last ones will do.
    const hasRoom = batcher.bytes > 0 || transport.bufferedBytes < this.#settings.transportMarkBytes;
    if (!hasRoom || (batcher.bytes === 0 && !this.#isDue)) return;
    this.#isDue = false;
    this.#writeControls();
    this.#outgoing.endTurn();
  };

  /** At once: END may follow in the same turn, and a peer that has read END reads no further. */
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
