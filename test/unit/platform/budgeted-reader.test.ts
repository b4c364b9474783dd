import { describe, expect, it } from 'vitest';
import type { Message } from '../../../src/core/types.js';
import { BudgetedReader } from '../../../src/platform/node/budgeted-reader.js';
import { ReadScheduler } from '../../../src/platform/node/read-scheduler.js';

/** An event loop whose turns and time the test controls. */
class Loop {
  now = 0;
  readonly scheduler = new ReadScheduler(
    2,
    1_024,
    () => this.now,
    (call) => void this.#next.push(call),
  );
  readonly #next: (() => void)[] = [];

  nextTurn(): void {
    for (const call of this.#next.splice(0)) call();
  }
}

/** A socket whose messages each take the application a millisecond. */
class Peer {
  readonly read: Message[] = [];
  readonly log: string[] = [];
  readonly reader: BudgetedReader;
  onMessage: (message: Message) => void = () => {};
  readonly #loop: Loop;

  constructor(loop: Loop, split?: (message: Uint8Array) => Iterator<Uint8Array> | undefined) {
    this.#loop = loop;
    this.reader = new BudgetedReader(loop.scheduler, split, {
      received: (message) => {
        loop.now += 1;
        this.read.push(message);
        this.onMessage(message);
      },
      pauseSocket: () => this.log.push('pause'),
      resumeSocket: () => this.log.push('resume'),
    });
  }

  /** One read of the socket. */
  brings(...messages: Message[]): this {
    return this.bringsOf(1_024, ...messages);
  }

  bringsOf(bytes: number, ...messages: Message[]): this {
    this.reader.began({ length: bytes });
    for (const message of messages) this.reader.received(message, message.length);
    this.reader.ended();
    return this;
  }

  /** The messages of the turn that begins now. */
  nextTurn(): Message[] {
    const { length } = this.read;
    this.#loop.nextTurn();
    return this.read.slice(length);
  }
}

const many = (count: number) => Array.from({ length: count }, (_, index) => `${index}`);
const bytesApart = (message: Uint8Array) => [...message].map((byte) => Uint8Array.of(byte)).values();

describe('a socket within its budget', () => {
  it('is read immediately and never paused', () => {
    const peer = new Peer(new Loop()).brings('one');
    expect([peer.read, peer.log]).toEqual([['one'], []]);
  });

  it('is not paused because of elapsed time alone, because the process may be preempted during a short read', () => {
    const peer = new Peer(new Loop()).bringsOf(1_023, ...many(40));
    expect([peer.read.length, peer.log]).toEqual([40, []]);
  });

  it('is not paused for small reads of many turns', () => {
    const loop = new Loop();
    const peer = new Peer(loop);
    for (let turn = 0; turn < 100; turn++) {
      peer.bringsOf(100, 'one', 'two', 'three');
      loop.nextTurn();
    }
    expect([peer.read.length, peer.log]).toEqual([300, []]);
  });

  it('has a new budget in each turn', () => {
    const loop = new Loop();
    const peer = new Peer(loop);
    for (let turn = 0; turn < 10; turn++) {
      peer.brings('one');
      loop.nextTurn();
    }
    expect(peer.log).toEqual([]);
  });
});

describe('a socket that exceeds its budget', () => {
  it('is paused for many small reads of one turn, too', () => {
    const peer = new Peer(new Loop());
    for (let count = 0; count < 40; count++) peer.bringsOf(100, 'one');
    expect(peer.log).toEqual(['pause']);
    expect(peer.read.length).toBeLessThan(30);
  });

  it('is paused, and its data is read in later turns, in order', () => {
    const peer = new Peer(new Loop()).brings(...many(100));
    expect(peer.read).toHaveLength(16);
    expect(peer.log).toEqual(['pause']);
    while (peer.nextTurn().length > 0) expect(peer.read.length % 16 === 0 || peer.read.length === 100).toBe(true);
    expect(peer.read).toEqual(many(100));
    expect(peer.log.at(-1)).toBe('resume');
  });

  it('is also paused for the time that ws spends on parsing without completing a message', () => {
    const loop = new Loop();
    const peer = new Peer(loop);
    peer.reader.began({ length: 1_024 });
    loop.now += 5;
    peer.reader.ended();
    expect(peer.log).toEqual(['pause']);
    loop.nextTurn();
    expect(peer.log).toEqual(['pause', 'resume']);
  });

  it('may have one message read over several turns', () => {
    const peer = new Peer(new Loop(), bytesApart).brings(Uint8Array.of(1, 2, 3, 4, 5), 'next');
    expect(peer.read).toEqual([Uint8Array.of(1), Uint8Array.of(2)]);
    expect(peer.nextTurn()).toEqual([Uint8Array.of(3), Uint8Array.of(4)]);
    expect(peer.nextTurn()).toEqual([Uint8Array.of(5), 'next']);
  });

  it('is reported as closed after its last message', () => {
    const peer = new Peer(new Loop()).brings(...many(40));
    peer.reader.closed(() => peer.log.push(`closed after ${peer.read.length}`));
    while (peer.nextTurn().length > 0);
    expect(peer.log.at(-1)).toBe('closed after 40');
    expect(peer.log).not.toContain('resume');
  });

  it('is not read further once its reader stops, whether inside a message or between two', () => {
    const peer = new Peer(new Loop(), bytesApart);
    peer.onMessage = () => peer.reader.stop();
    peer.brings(Uint8Array.of(1, 2, 3), Uint8Array.of(4));
    peer.nextTurn();
    expect(peer.read).toEqual([Uint8Array.of(1)]);
  });
});

describe('a reader without room', () => {
  it('receives the remaining data of the socket once it has room', () => {
    const peer = new Peer(new Loop());
    peer.onMessage = () => peer.reader.hold();
    peer.brings('one', 'two');
    expect([peer.read, peer.nextTurn()]).toEqual([['one'], []]);
    peer.reader.release();
    expect(peer.nextTurn()).toEqual(['two']);
  });

  it('receives the remaining data even after the socket is closed, and then the end', () => {
    const peer = new Peer(new Loop());
    peer.onMessage = () => peer.reader.hold();
    peer.brings('one', 'two', 'three');
    peer.reader.closed(() => peer.log.push('closed'));
    while (peer.nextTurn().length > 0);
    expect([peer.read, peer.log.at(-1)]).toEqual([['one', 'two', 'three'], 'closed']);
  });
});

describe('an event loop with many sockets that exceed their budgets', () => {
  it('resumes as many in each turn as fit twice the budget, in order of arrival', () => {
    const loop = new Loop();
    const peers = Array.from({ length: 20 }, () => new Peer(loop, bytesApart).brings(new Uint8Array(6)));
    const served: number[] = [];
    while (peers.some((peer) => peer.read.length < 6)) {
      const before = loop.now;
      const lengths = peers.map((peer) => peer.read.length);
      loop.nextTurn();
      expect(loop.now - before).toBeLessThanOrEqual(4);
      served.push(...peers.flatMap((peer, index) => (peer.read.length > (lengths[index] ?? 0) ? [index] : [])));
    }
    expect(served.slice(0, 20)).toEqual(peers.map((_, index) => index));
  });
});
