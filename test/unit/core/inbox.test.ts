import { describe, expect, it } from 'vitest';
import { Inbox } from '../../../src/core/inbox.js';
import type { CloseInfo, Message } from '../../../src/core/types.js';
import { settle } from '../../support/fake-clock.js';
import { rejected } from '../../support/thrown.js';

const normal: CloseInfo = { code: 1000, reason: 'bye', wasClean: true };
const closeRecord = { closeCode: 1000, reason: 'bye', wasClean: true };

const ignore = () => {};

function setUp(bounds = { maxMessages: 100, maxBytes: 1000 }) {
  const told: string[] = [];
  const inbox = new Inbox(bounds, {
    full: () => told.push('full'),
    hasRoom: () => told.push('has room'),
    consumed: (bytes) => told.push(`consumed ${bytes}`),
    finished: () => told.push('finished'),
  });
  const push = (...texts: string[]) => {
    for (const text of texts) inbox.push(text, text.length);
  };
  return { inbox, told, push };
}

function poll(inbox: Inbox): unknown[] {
  const results: unknown[] = [];
  for (let next = inbox.getMessage(); next !== undefined; next = inbox.getMessage()) results.push('message' in next ? next.message : next);
  return results;
}

describe('polling', () => {
  it('never waits, and says undefined when nothing is there', () => {
    const { inbox, push } = setUp();
    expect(inbox.getMessage()).toBeUndefined();
    push('a', 'b');
    expect(inbox.getMessage()).toEqual({ message: 'a' });
    expect(inbox.getMessage()).toEqual({ message: 'b' });
    expect(inbox.getMessage()).toBeUndefined();
  });

  it('gives the end once, after the last message', () => {
    const { inbox, push, told } = setUp();
    push('last');
    inbox.end(normal, ignore);
    expect(told).not.toContain('finished');
    expect(poll(inbox)).toEqual(['last', closeRecord]);
    expect(inbox.getMessage()).toBeUndefined();
    expect(told.filter((line) => line === 'finished')).toHaveLength(1);
  });

  it('tells text from binary, and an empty message from none', () => {
    const { inbox } = setUp();
    inbox.push('', 0);
    inbox.push(new Uint8Array(0), 0);
    expect(inbox.getMessage()).toEqual({ message: '' });
    expect(inbox.getMessage()).toEqual({ message: new Uint8Array(0) });
  });
});

describe('a handler', () => {
  it('gets all, beginning with what waits, once its caller has returned', async () => {
    const { inbox, push } = setUp();
    push('waits 1', 'waits 2');
    const got: Message[] = [];
    inbox.setHandler((message) => got.push(message));
    expect(got).toEqual([]);
    await settle();
    push('new');
    expect(got).toEqual(['waits 1', 'waits 2', 'new']);
    expect(inbox.getMessage()).toBeUndefined();
  });

  it('is not overtaken by a message that comes before what waits was handed over', async () => {
    const { inbox, push } = setUp();
    push('1');
    const got: Message[] = [];
    inbox.setHandler((message) => got.push(message));
    push('2');
    await settle();
    expect(got).toEqual(['1', '2']);
  });

  it('is not overtaken by a message that comes while it is called', async () => {
    const { inbox, push } = setUp();
    push('1', '2');
    const got: Message[] = [];
    inbox.setHandler((message) => {
      got.push(message);
      if (message === '1') push('3');
    });
    await settle();
    expect(got).toEqual(['1', '2', '3']);
  });

  it('that is taken off leaves what follows to the other readers', async () => {
    const { inbox, push } = setUp();
    push('1', '2', '3');
    const got: Message[] = [];
    inbox.setHandler((message) => {
      got.push(message);
      inbox.setHandler(undefined);
    });
    await settle();
    push('4');
    expect(got).toEqual(['1']);
    expect(poll(inbox)).toEqual(['2', '3', '4']);
  });

  it('taken off before its first message gets none', async () => {
    const { inbox, push } = setUp();
    push('1');
    inbox.setHandler(() => expect.unreachable());
    inbox.setHandler(undefined);
    await settle();
    expect(poll(inbox)).toEqual(['1']);
  });

  it('has seen the end when it has seen the last message', async () => {
    const { inbox, push, told } = setUp();
    push('last');
    inbox.setHandler(() => told.push('handled'));
    inbox.end(normal, ignore);
    await settle();
    expect(told.filter((line) => !line.startsWith('consumed'))).toEqual(['handled', 'finished']);
    expect(inbox.getMessage()).toEqual(closeRecord);
    expect(inbox.getMessage()).toBeUndefined();
  });

  it('attached after the end gets what waits, and that is the end', async () => {
    const { inbox, push, told } = setUp();
    push('late');
    inbox.end(normal, ignore);
    const got: Message[] = [];
    inbox.setHandler((message) => got.push(message));
    await settle();
    expect(got).toEqual(['late']);
    expect(told).toContain('finished');
  });
});

describe('iteration', () => {
  async function collect(inbox: Inbox): Promise<Message[]> {
    const got: Message[] = [];
    for await (const message of inbox.iterate()) got.push(message);
    return got;
  }

  it('gets what waits, then what comes, then ends with how the connection ended', async () => {
    const { inbox, push, told } = setUp();
    push('1');
    const iterator = inbox.iterate();
    expect(await iterator.next()).toEqual({ done: false, value: '1' });
    const next = iterator.next();
    push('2');
    expect(await next).toEqual({ done: false, value: '2' });
    const last = iterator.next();
    inbox.end(normal, ignore);
    expect(await last).toEqual({ done: true, value: normal });
    expect(await iterator.next()).toEqual({ done: true, value: normal });
    expect(told.filter((line) => line === 'finished')).toHaveLength(1);
  });

  it('reads to the end when the end came first', async () => {
    const { inbox, push } = setUp();
    push('1', '2');
    inbox.end(normal, ignore);
    expect(await collect(inbox)).toEqual(['1', '2']);
  });

  it('answers several questions in the order in which they were asked', async () => {
    const { inbox, push } = setUp();
    const iterator = inbox.iterate();
    const addressResponder = Promise.all([iterator.next(), iterator.next(), iterator.next()]);
    push('1', '2');
    inbox.end(normal, ignore);
    expect(await addressResponder).toEqual([
      { done: false, value: '1' },
      { done: false, value: '2' },
      { done: true, value: normal },
    ]);
  });

  it('shares the messages between several loops, and ends all of them', async () => {
    const { inbox, push } = setUp();
    const loops = [collect(inbox), collect(inbox)];
    await settle();
    for (const text of ['1', '2', '3', '4']) {
      push(text);
      await settle();
    }
    inbox.end(normal, ignore);
    const [first = [], second = []] = await Promise.all(loops);
    expect([...first, ...second].sort()).toEqual(['1', '2', '3', '4']);
    expect(first.length * second.length).toBeGreaterThan(0);
  });

  it('left by break loses no message: the next reader has the rest', async () => {
    const { inbox, push } = setUp();
    push('1', '2', '3');
    for await (const message of inbox.iterate()) {
      expect(message).toBe('1');
      break;
    }
    expect(poll(inbox)).toEqual(['2', '3']);
  });

  it('that returns while it waits ends its question, and takes no message with it', async () => {
    const { inbox, push } = setUp();
    const iterator = inbox.iterate();
    const questions = Promise.all([iterator.next(), iterator.next()]);
    expect(await iterator.return?.()).toEqual({ done: true, value: undefined });
    expect(await questions).toEqual([
      { done: true, value: undefined },
      { done: true, value: undefined },
    ]);
    push('for somebody else');
    expect(poll(inbox)).toEqual(['for somebody else']);
    expect(await iterator.next()).toMatchObject({ done: true });
  });

  it('gives way to a handler, and goes on when that is taken off', async () => {
    const { inbox, push } = setUp();
    const next = inbox.iterate().next();
    const got: Message[] = [];
    inbox.setHandler((message) => got.push(message));
    push('1');
    inbox.setHandler(undefined);
    push('2');
    expect(got).toEqual(['1']);
    expect(await next).toEqual({ done: false, value: '2' });
  });

  it('rejects beside a handler, and works again without one', async () => {
    const { inbox, push } = setUp();
    inbox.setHandler(ignore);
    const iterator = inbox.iterate();
    expect(await rejected(iterator.next())).toMatchObject({ code: 'HAS_HANDLER' });
    inbox.setHandler(undefined);
    push('1');
    expect(await iterator.next()).toEqual({ done: false, value: '1' });
  });

  it('that waits rejects when a handler is attached, so that no loop hangs', async () => {
    const { inbox } = setUp();
    const loop = (async () => {
      for await (const _ of inbox.iterate());
    })();
    inbox.setHandler(ignore);
    expect(await rejected(loop)).toMatchObject({ code: 'HAS_HANDLER' });
  });

  it('beside a handler ends once the connection has ended', async () => {
    const { inbox } = setUp();
    inbox.setHandler(ignore);
    inbox.end(normal, ignore);
    expect(await inbox.iterate().next()).toEqual({ done: true, value: normal });
  });

  it('that waits beside a handler ends with it', async () => {
    const { inbox, push } = setUp();
    const next = inbox.iterate().next();
    inbox.setHandler(() => {});
    push('1');
    inbox.end(normal, ignore);
    expect(await next).toEqual({ done: true, value: normal });
  });
});

describe('the end', () => {
  it('is told at once to those who poll or iterate, whatever still waits for them', () => {
    const { inbox, push, told } = setUp();
    push('unread');
    inbox.end(normal, () => told.push('end'));
    expect(told).toEqual(['end']);
  });

  it('is told once, after the last message, to a handler that was just attached', async () => {
    const { inbox, push, told } = setUp();
    push('1', '2');
    inbox.setHandler((message) => told.push(`handled ${String(message)}`));
    inbox.end(normal, () => told.push('end'));
    inbox.setHandler((message) => told.push(`handled ${String(message)}`));
    await settle();
    expect(told.filter((line) => !line.startsWith('consumed'))).toEqual(['handled 1', 'handled 2', 'end', 'finished']);
  });

  it('is told after the last message also when it comes while a message is handled', async () => {
    const { inbox, push, told } = setUp();
    push('1', '2');
    inbox.setHandler((message) => {
      told.push(`handled ${String(message)}`);
      if (message === '1') inbox.end(normal, () => told.push('end'));
    });
    await settle();
    expect(told.filter((line) => !line.startsWith('consumed'))).toEqual(['handled 1', 'handled 2', 'end', 'finished']);
  });

  it('is told also when the handler is taken off before all was handed over', async () => {
    const { inbox, push, told } = setUp();
    push('1');
    inbox.setHandler(() => expect.unreachable());
    inbox.end(normal, () => told.push('end'));
    inbox.setHandler(undefined);
    await settle();
    expect(told).toEqual(['end']);
    expect(poll(inbox)).toEqual(['1', closeRecord]);
  });
});

describe('the four readers', () => {
  it('see the same messages in the same order', async () => {
    const messages = Array.from({ length: 50 }, (_, index) => `message ${index}`);
    const readers = {
      polled: async (inbox: Inbox) => poll(inbox).slice(0, -1),
      handled: async (inbox: Inbox) => {
        const got: Message[] = [];
        inbox.setHandler((message) => got.push(message));
        await settle();
        return got;
      },
      iterated: async (inbox: Inbox) => {
        const got: Message[] = [];
        for await (const message of inbox.iterate()) got.push(message);
        return got;
      },
    };
    for (const read of Object.values(readers)) {
      const { inbox, push } = setUp();
      push(...messages);
      inbox.end(normal, ignore);
      expect(await read(inbox)).toEqual(messages);
    }
  });
});

describe('the bounds', () => {
  it('in messages: full when more wait than the bound, room again at half', () => {
    const { inbox, push, told } = setUp({ maxMessages: 4, maxBytes: 1000 });
    push('1', '2', '3', '4');
    expect(told).toEqual([]);
    push('5');
    expect(told).toEqual(['full']);
    push('6'); // what was on its way is kept, and told once
    expect(told).toEqual(['full']);
    const marks = () => told.filter((line) => !line.startsWith('consumed'));
    for (let count = 0; count < 3; count++) inbox.getMessage();
    expect(marks()).toEqual(['full']);
    inbox.getMessage();
    expect(marks()).toEqual(['full', 'has room']);
    push('7', '8', '9');
    expect(marks()).toEqual(['full', 'has room', 'full']);
  });

  it('in bytes: full when more wait than the bound, room again at half', () => {
    const { inbox, push, told } = setUp({ maxMessages: 100, maxBytes: 10 });
    push('12345', '67890');
    expect(told).toEqual([]);
    push('x');
    expect(told).toEqual(['full']);
    inbox.getMessage();
    expect(told).toEqual(['full', 'consumed 5']);
    inbox.getMessage();
    expect(told).toEqual(['full', 'consumed 5', 'consumed 5', 'has room']);
  });

  it('let one message of the largest size through', () => {
    const { push, told } = setUp({ maxMessages: 1, maxBytes: 3 });
    push('abc');
    expect(told).toEqual([]);
  });

  it('count nothing that a handler or a waiting iterator takes at once', async () => {
    const { inbox, push, told } = setUp({ maxMessages: 1, maxBytes: 1 });
    const next = inbox.iterate().next();
    push('abc');
    await next;
    inbox.setHandler(() => {});
    push('def', 'ghi');
    expect(told).toEqual(['consumed 3', 'consumed 3', 'consumed 3']);
  });
});
