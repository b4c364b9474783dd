import { Emitter, type Listeners } from '../core/emitter.js';
import { makeError } from '../core/errors.js';
import { copyOf } from '../core/message-bytes.js';
import { invalid } from '../core/option-checks.js';
import type { Delivery } from '../core/types.js';
import { AcceptedClient, type ClientServer } from './accepted-client.js';
import { type Broadcast, exceptOf } from './broadcast.js';
import type { Room, RoomEvents, RoomSendOptions, ServerClient } from './types.js';

const roomEvents: Listeners<RoomEvents> = { join: [], leave: [] };

const sendOptions = { except: undefined, local: undefined };

/** The rooms of a server that have members or listeners, by name, and the rooms of each client that is in one. */
export class Rooms {
  readonly broadcast: Broadcast;
  readonly #server: ClientServer;
  readonly #listenerFailed: (error: unknown, event: string) => void;
  readonly #byName = new Map<string, ServerRoom>();
  readonly #byClient = new Map<AcceptedClient, Set<ServerRoom>>();

  constructor(server: ClientServer, broadcast: Broadcast, listenerFailed: (error: unknown, event: string) => void) {
    this.#server = server;
    this.broadcast = broadcast;
    this.#listenerFailed = listenerFailed;
  }

  /** A new object is forgotten with the last reference to it, unless it gets a member or a listener. */
  room(name: string): ServerRoom {
    if (typeof name !== 'string') throw invalid('name', name);
    return this.registered(name) ?? new ServerRoom(name, this);
  }

  registered(name: string): ServerRoom | undefined {
    return this.#byName.get(name);
  }

  /** The room has a member or a listener. There is no other room of its name. */
  register(room: ServerRoom): void {
    this.#byName.set(room.name, room);
  }

  /** The room has neither members nor listeners. */
  unregister(room: ServerRoom): void {
    if (this.#byName.get(room.name) === room) this.#byName.delete(room.name);
  }

  /** The client, if it may be a member: not if it is closing or closed. */
  asMember(client: ServerClient): AcceptedClient | undefined {
    if (!(client instanceof AcceptedClient) || !client.isOf(this.#server)) throw invalid('client', client);
    return client.takesMessages ? client : undefined;
  }

  joined(client: AcceptedClient, room: ServerRoom): void {
    const rooms = this.#byClient.get(client);
    if (rooms === undefined) this.#byClient.set(client, new Set([room]));
    else rooms.add(room);
  }

  left(client: AcceptedClient, room: ServerRoom): void {
    const rooms = this.#byClient.get(client);
    rooms?.delete(room);
    if (rooms?.size === 0) this.#byClient.delete(client);
  }

  /** The client is closing or closed. */
  leaveAll(client: AcceptedClient): void {
    for (const room of [...(this.#byClient.get(client) ?? [])]) room.remove(client);
  }

  newEmitter(): Emitter<RoomEvents> {
    return new Emitter(roomEvents, this.#listenerFailed);
  }
}

/**
 * One room. An object that lost its last member and listener is not registered any more, and the application may still hold it: it
 * acts on the room that is registered under its name since, or registers itself again.
 */
class ServerRoom implements Room {
  readonly name: string;
  readonly #rooms: Rooms;
  readonly #members = new Set<AcceptedClient>();
  /** The members, for a send or an iteration during which they change. */
  #snapshot: readonly AcceptedClient[] | undefined;
  #events: Emitter<RoomEvents> | undefined;

  constructor(name: string, rooms: Rooms) {
    this.name = name;
    this.#rooms = rooms;
  }

  get size(): number {
    return this.#current.#members.size;
  }

  has(client: ServerClient): boolean {
    return this.#current.#members.has(client as AcceptedClient);
  }

  add(client: ServerClient): void {
    const member = this.#rooms.asMember(client);
    if (member === undefined || this.has(member)) return;
    const room = this.#current;
    room.#members.add(member);
    room.#snapshot = undefined;
    this.#rooms.register(room);
    this.#rooms.joined(member, room);
    room.#events?.emit('join', member);
  }

  remove(client: ServerClient): void {
    const room = this.#current;
    if (!room.#members.delete(client as AcceptedClient)) return;
    room.#snapshot = undefined;
    this.#rooms.left(client as AcceptedClient, room);
    room.#unregisterIfUnused();
    room.#events?.emit('leave', client);
  }

  sendMessage(text: string, delivery: Delivery = 'reliable', options: RoomSendOptions = {}): void {
    if (typeof text !== 'string') throw makeError('INVALID_MESSAGE', { method: 'sendMessage' });
    this.#send(text, delivery, options);
  }

  sendMessageBinary(bytes: ArrayBuffer | ArrayBufferView, delivery: Delivery = 'reliable', options: RoomSendOptions = {}): void {
    this.#send(copyOf(bytes), delivery, options);
  }

  on<E extends keyof RoomEvents>(event: E, listener: RoomEvents[E]): () => void {
    const room = this.#current;
    room.#events ??= this.#rooms.newEmitter();
    const off = room.#events.on(event, listener);
    this.#rooms.register(room);
    return () => {
      off();
      room.#unregisterIfUnused();
    };
  }

  [Symbol.iterator](): Iterator<ServerClient> {
    return this.#current.#listed[Symbol.iterator]();
  }

  /** The registered room of this name. A room that is not registered has no members and no listeners. */
  get #current(): ServerRoom {
    return this.#rooms.registered(this.name) ?? this;
  }

  get #listed(): readonly AcceptedClient[] {
    this.#snapshot ??= [...this.#members];
    return this.#snapshot;
  }

  #send(message: string | Uint8Array<ArrayBuffer>, delivery: Delivery, options: RoomSendOptions): void {
    this.#rooms.broadcast.send(this.#current.#listed, message, delivery, exceptOf(options, sendOptions));
  }

  #unregisterIfUnused(): void {
    const isHeard = this.#events?.has('join') === true || this.#events?.has('leave') === true;
    if (this.#members.size === 0 && !isHeard) this.#rooms.unregister(this);
  }
}
