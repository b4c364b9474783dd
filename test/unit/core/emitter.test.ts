import { describe, expect, it } from 'vitest';
import { Emitter } from '../../../src/core/emitter.js';
import { thrown } from '../../support/thrown.js';

interface Events {
  ping: (number: number) => void;
  pong: () => void;
}

function setUp() {
  const failures: [unknown, keyof Events][] = [];
  const emitter = new Emitter<Events>({ ping: [], pong: [] }, (error, event) => failures.push([error, event]));
  return { emitter, failures };
}

describe('an emitter', () => {
  it('calls the listeners of an event in the order of their registration, with its arguments', () => {
    const { emitter } = setUp();
    const calls: string[] = [];
    emitter.on('ping', (number) => calls.push(`first ${number}`));
    emitter.on('ping', (number) => calls.push(`second ${number}`));
    emitter.on('pong', () => calls.push('other'));
    emitter.emit('ping', 7);
    expect(calls).toEqual(['first 7', 'second 7']);
  });

  it('accepts an event without listeners', () => {
    const { emitter } = setUp();
    expect(emitter.has('ping')).toBe(false);
    emitter.emit('ping', 1);
  });

  it('reports an exception of a listener and still calls the other listeners', () => {
    const { emitter, failures } = setUp();
    const calls: string[] = [];
    const error = new Error('mine');
    emitter.on('ping', () => {
      throw error;
    });
    emitter.on('ping', () => calls.push('second'));
    emitter.emit('ping', 1);
    expect(calls).toEqual(['second']);
    expect(failures).toEqual([[error, 'ping']]);
  });

  it('removes one registration and keeps another of the same function', () => {
    const { emitter } = setUp();
    let calls = 0;
    const listener = () => {
      calls += 1;
    };
    const off = emitter.on('pong', listener);
    emitter.on('pong', listener);
    off();
    off();
    emitter.emit('pong');
    expect(calls).toBe(1);
    expect(emitter.has('pong')).toBe(true);
  });

  it('applies a registration or removal during an event from the next event on', () => {
    const { emitter } = setUp();
    const calls: string[] = [];
    let offSecond = () => {};
    emitter.on('pong', () => {
      calls.push('first');
      offSecond();
      if (calls.length === 1) emitter.on('pong', () => calls.push('third'));
    });
    offSecond = emitter.on('pong', () => calls.push('second'));
    emitter.emit('pong');
    expect(calls).toEqual(['first', 'second']);
    emitter.emit('pong');
    expect(calls).toEqual(['first', 'second', 'first', 'third']);
  });

  it('reports when the last listener of an event is removed', () => {
    const { emitter } = setUp();
    const off = emitter.on('pong', () => {});
    expect(emitter.has('pong')).toBe(true);
    off();
    expect(emitter.has('pong')).toBe(false);
  });

  it('refuses an unknown event and suggests a similar name', () => {
    const error = thrown(() => setUp().emitter.on('pinged' as 'ping', () => {}));
    expect([error.code, error.context]).toEqual(['INVALID_OPTION', { option: 'event', value: 'pinged', known: ['ping', 'pong'] }]);
    expect(error.message).toMatch(/The event pinged does not exist\. Did you mean ping\?/);
  });

  it('refuses a listener that is not a function', () => {
    const error = thrown(() => setUp().emitter.on('ping', 5 as never));
    expect([error.code, error.context]).toEqual(['INVALID_OPTION', { option: 'listener', value: 5 }]);
  });
});
