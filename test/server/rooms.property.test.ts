import fc from 'fast-check';
import { expect, it } from 'vitest';
import type { Room, ServerClient, WebsocketServer } from '../../src/entry/server.js';
import { pair, serve } from './support.js';

const NAMES = ['lobby', '__proto__'];

const nat = fc.nat({ max: 100 });
const step = fc.record({ call: fc.constantFrom('room', 'add', 'remove', 'on', 'off'), object: nat, client: nat, other: nat });
type Step = typeof step extends fc.Arbitrary<infer T> ? T : never;

/** The rooms of a server, under every object that the application has got for them, and beside them what they should be. */
class Model {
  readonly #server: WebsocketServer;
  readonly #clients: readonly ServerClient[];
  readonly #objects: Room[];
  readonly #members = new Map(NAMES.map((name) => [name, new Set<ServerClient>()]));
  readonly #listeners: { readonly name: string; readonly off: () => void; isOn: boolean }[] = [];

  constructor(server: WebsocketServer, clients: readonly ServerClient[]) {
    this.#server = server;
    this.#clients = clients;
    this.#objects = NAMES.map((name) => server.room(name));
  }

  take({ call, object, client: at, other }: Step): void {
    const room = this.#objects[object % this.#objects.length] as Room;
    const client = this.#clients[at % this.#clients.length] as ServerClient;
    const members = this.#members.get(room.name) as Set<ServerClient>;
    const calls: Record<string, () => void> = {
      room: () => this.#objects.push(this.#server.room(NAMES[other % NAMES.length] as string)),
      add: () => {
        room.add(client);
        members.add(client);
      },
      remove: () => {
        room.remove(client);
        members.delete(client);
      },
      on: () => this.#listeners.push({ name: room.name, off: room.on('join', () => {}), isOn: true }),
      off: () => this.#removeListener(other),
    };
    const before = this.#registered();
    calls[call]?.();
    this.#check(before);
  }

  end(): void {
    for (const { off } of this.#listeners) off();
    for (const room of this.#objects) for (const client of room) room.remove(client);
  }

  #removeListener(at: number): void {
    const listener = this.#listeners[at % this.#listeners.length];
    if (listener === undefined) return;
    listener.off();
    listener.isOn = false;
  }

  /** By name, the object of a room that has members or listeners. */
  #registered(): (Room | undefined)[] {
    return NAMES.map((name) => (this.#isUsed(name) ? this.#server.room(name) : undefined));
  }

  #isUsed(name: string): boolean {
    return this.#members.get(name)?.size !== 0 || this.#listeners.some((listener) => listener.isOn && listener.name === name);
  }

  #check(before: readonly (Room | undefined)[]): void {
    for (const room of this.#objects) expect([...room]).toEqual([...(this.#members.get(room.name) ?? [])]);
    this.#registered().forEach((room, index) => {
      if (room !== undefined) expect(room).toBe(before[index] ?? room);
      // Nothing is kept of a room without members and listeners.
      const [one, another] = [NAMES[index], NAMES[index]].map((name) => this.#server.room(name as string));
      expect(one === another).toBe(room !== undefined);
    });
  }
}

it('a name stands for one room, in any order of calls and by whichever of its objects', async () => {
  const server = await serve();
  const clients = [await pair(server), await pair(server), await pair(server)].map(({ accepted }) => accepted);
  const run = (steps: readonly Step[]) => {
    const model = new Model(server, clients);
    for (const each of steps) model.take(each);
    model.end();
  };
  fc.assert(fc.property(fc.array(step, { minLength: 5, maxLength: 60 }), run), { numRuns: 300 });
});
