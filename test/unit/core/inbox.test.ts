import { describe, expect, it } from 'vitest';
import { Inbox } from '../../../src/core/inbox.js';
import type { CloseInfo, Message } from '../../../src/core/types.js';
import { settle } from '../../support/fake-clock.js';
import { rejected } from '../../support/thrown.js';

const normal: CloseInfo = { code: 1000, reason: 'bye', wasClean: true };
const closeRecord = { closeCode: 1000, reason: 'bye', wasClean: true };

const ignore = () => {};

function setUp(bounds = { maxMessages: 100, maxBytes: 1000 }) {
  const reported: string[] = [];
  const source = {
    pause: () => reported.push('full'),
    resume: () => reported.push('has room'),
    consumed: (bytes: number) => reported.push(`consumed ${bytes}`),
  };
  const inbox = new Inbox(bounds, source, () => reported.push('finished'));
  const push = (...texts: string[]) => {
    for (const text of texts) inbox.push(text, text.length);
  };
  return { inbox, reported, push };
}

function poll(inbox: Inbox): unknown[] {
  const results: unknown[] = [];
  for (let next = inbox.getMessage(); next !== undefined; next = inbox.getMessage()) results.push('message' in next ? next.message : next);
  return results;
}

describe('polling', () => {
  it('returns undefined immediately when there is no message', () => {
    const { inbox, push } = setUp();
    expect(inbox.getMessage()).toBeUndefined();
    push('a', 'b');
    expect(inbox.getMessage()).toEqual({ message: 'a' });
    expect(inbox.getMessage()).toEqual({ message: 'b' });
    expect(inbox.getMessage()).toBeUndefined();
  });

  it('returns the end once, after the last message', () => {
    const { inbox, push, reported } = setUp();
    push('last');
    inbox.end(normal, ignore);
    expect(reported).not.toContain('finished');
    expect(poll(inbox)).toEqual(['last', closeRecord]);
    expect(inbox.getMessage()).toBeUndefined();
    expect(reported.filter((line) => line === 'finished')).toHaveLength(1);
  });

  it('distinguishes text from binary, and an empty message from none', () => {
    const { inbox } = setUp();
    inbox.push('', 0);
    inbox.push(new Uint8Array(0), 0);
    expect(inbox.getMessage()).toEqual({ message: '' });
    expect(inbox.getMessage()).toEqual({ message: new Uint8Array(0) });
  });
});

describe('a handler', () => {
  it('receives all messages, starting with the queued ones, once the call that attached it has returned', async () => {
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

  it('receives queued messages before one that arrives meanwhile', async () => {
    const { inbox, push } = setUp();
    push('1');
    const got: Message[] = [];
    inbox.setHandler((message) => got.push(message));
    push('2');
    await settle();
    expect(got).toEqual(['1', '2']);
  });

  it('receives a message that arrives while it runs after the present one', async () => {
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

  it('that is removed leaves the remaining messages to the other readers', async () => {
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

  it('that is removed before its first message receives none', async () => {
    const { inbox, push } = setUp();
    push('1');
    inbox.setHandler(() => expect.unreachable());
    inbox.setHandler(undefined);
    await settle();
    expect(poll(inbox)).toEqual(['1']);
  });

  it('has received the end when it has received the last message', async () => {
    const { inbox, push, reported } = setUp();
    push('last');
    inbox.setHandler(() => reported.push('handled'));
    inbox.end(normal, ignore);
    await settle();
    expect(reported.filter((line) => !line.startsWith('consumed'))).toEqual(['handled', 'finished']);
    expect(inbox.getMessage()).toEqual(closeRecord);
    expect(inbox.getMessage()).toBeUndefined();
  });

  it('attached after the end receives the queued messages and then the end', async () => {
    const { inbox, push, reported } = setUp();
    push('late');
    inbox.end(normal, ignore);
    const got: Message[] = [];
    inbox.setHandler((message) => got.push(message));
    await settle();
    expect(got).toEqual(['late']);
    expect(reported).toContain('finished');
  });
});

describe('iteration', () => {
  async function collect(inbox: Inbox): Promise<Message[]> {
    const got: Message[] = [];
    for await (const message of inbox.iterate()) got.push(message);
    return got;
  }

  it('yields queued messages, then new ones, then returns how the connection ended', async () => {
    const { inbox, push, reported } = setUp();
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
    expect(reported.filter((line) => line === 'finished')).toHaveLength(1);
  });

  it('reads to the end when the connection ended first', async () => {
    const { inbox, push } = setUp();
    push('1', '2');
    inbox.end(normal, ignore);
    expect(await collect(inbox)).toEqual(['1', '2']);
  });

  it('settles several pending calls of next() in their order', async () => {
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

  it('distributes the messages among several loops and ends all of them', async () => {
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

  it('left by `break` loses no message: the next reader receives the rest', async () => {
    const { inbox, push } = setUp();
    push('1', '2', '3');
    for await (const message of inbox.iterate()) {
      expect(message).toBe('1');
      break;
    }
    expect(poll(inbox)).toEqual(['2', '3']);
  });

  it('whose return() is called while it waits settles its pending next() and takes no message', async () => {
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

  it('gives way to a handler and continues when the handler is removed', async () => {
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

  it('rejects while a handler is attached and works again afterwards', async () => {
    const { inbox, push } = setUp();
    inbox.setHandler(ignore);
    const iterator = inbox.iterate();
    expect(await rejected(iterator.next())).toMatchObject({ code: 'HAS_HANDLER' });
    inbox.setHandler(undefined);
    push('1');
    expect(await iterator.next()).toEqual({ done: false, value: '1' });
  });

  it('that waits rejects when a handler is attached, so no loop hangs', async () => {
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

  it('that waits beside a handler ends when the connection ends', async () => {
    const { inbox, push } = setUp();
    const next = inbox.iterate().next();
    inbox.setHandler(() => {});
    push('1');
    inbox.end(normal, ignore);
    expect(await next).toEqual({ done: true, value: normal });
  });
});

describe('the end', () => {
  it('is reported immediately to polls and loops, even when messages are still queued', () => {
    const { inbox, push, reported } = setUp();
    push('unread');
    inbox.end(normal, () => reported.push('end'));
    expect(reported).toEqual(['end']);
  });

  it('is reported once, after the last message, to a handler that was just attached', async () => {
    const { inbox, push, reported } = setUp();
    push('1', '2');
    inbox.setHandler((message) => reported.push(`handled ${String(message)}`));
    inbox.end(normal, () => reported.push('end'));
    inbox.setHandler((message) => reported.push(`handled ${String(message)}`));
    await settle();
    expect(reported.filter((line) => !line.startsWith('consumed'))).toEqual(['handled 1', 'handled 2', 'end', 'finished']);
  });

  it('is reported after the last message, even when it arrives while a message is handled', async () => {
    const { inbox, push, reported } = setUp();
    push('1', '2');
    inbox.setHandler((message) => {
      reported.push(`handled ${String(message)}`);
      if (message === '1') inbox.end(normal, () => reported.push('end'));
    });
    await settle();
    expect(reported.filter((line) => !line.startsWith('consumed'))).toEqual(['handled 1', 'handled 2', 'end', 'finished']);
  });

  it('is also reported when the handler is removed before all messages were delivered', async () => {
    const { inbox, push, reported } = setUp();
    push('1');
    inbox.setHandler(() => expect.unreachable());
    inbox.end(normal, () => reported.push('end'));
    inbox.setHandler(undefined);
    await settle();
    expect(reported).toEqual(['end']);
    expect(poll(inbox)).toEqual(['1', closeRecord]);
  });
});

describe('the four ways of reading', () => {
  it('receive the same messages in the same order', async () => {
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

describe('the bounds of the inbox', () => {
  it('in messages: full above the bound, room again at half', () => {
    const { inbox, push, reported } = setUp({ maxMessages: 4, maxBytes: 1000 });
    push('1', '2', '3', '4');
    expect(reported).toEqual([]);
    push('5');
    expect(reported).toEqual(['full']);
    push('6'); // messages in transit are kept, and fullness is reported once
    expect(reported).toEqual(['full']);
    const marks = () => reported.filter((line) => !line.startsWith('consumed'));
    for (let count = 0; count < 3; count++) inbox.getMessage();
    expect(marks()).toEqual(['full']);
    inbox.getMessage();
    expect(marks()).toEqual(['full', 'has room']);
    push('7', '8', '9');
    expect(marks()).toEqual(['full', 'has room', 'full']);
  });

  it('in bytes: full above the bound, room again at half', () => {
    const { inbox, push, reported } = setUp({ maxMessages: 100, maxBytes: 10 });
    push('12345', '67890');
    expect(reported).toEqual([]);
    push('x');
    expect(reported).toEqual(['full']);
    inbox.getMessage();
    expect(reported).toEqual(['full', 'consumed 5']);
    inbox.getMessage();
    expect(reported).toEqual(['full', 'consumed 5', 'consumed 5', 'has room']);
  });

  it('admit one message of the largest size', () => {
    const { push, reported } = setUp({ maxMessages: 1, maxBytes: 3 });
    push('abc');
    expect(reported).toEqual([]);
  });

  it('do not count messages that a handler or a waiting iterator takes immediately', async () => {
    const { inbox, push, reported } = setUp({ maxMessages: 1, maxBytes: 1 });
    const next = inbox.iterate().next();
    push('abc');
    await next;
    inbox.setHandler(() => {});
    push('def', 'ghi');
    expect(reported).toEqual(['consumed 3', 'consumed 3', 'consumed 3']);
  });
});
