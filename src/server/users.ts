import { isDeepStrictEqual } from 'node:util';
import { makeError, type WebsocketError } from '../core/errors.js';
import type { AcceptedClient } from './accepted-client.js';
import type { ServerSettings } from './options.js';

/** Where a failure of one of the application's functions is reported. */
export interface UsersEvents {
  failedFor(client: AcceptedClient, error: WebsocketError): void;
  failed(error: WebsocketError): void;
}

/** Identifies the users of a server's clients by the options `userKey` and `session.isSameUser`. */
export class Users {
  readonly #userKey: ServerSettings['userKey'];
  readonly #isSameUser: ((before: unknown, now: unknown) => boolean) | undefined;
  readonly #events: UsersEvents;

  constructor({ userKey, session }: ServerSettings, events: UsersEvents) {
    this.#userKey = userKey;
    this.#isSameUser = session?.isSameUser;
    this.#events = events;
  }

  /** The key of the client's user: the client's id without `userKey`. Undefined, which is no user's, if `userKey` has failed. */
  keyOf(client: AcceptedClient): string | undefined {
    const { user, id } = client;
    return this.#userKey === undefined ? id : this.#keyOf(user, (error) => this.#events.failedFor(client, error));
  }

  /** The same for a user whose handshake has not become a client. */
  keyOfUser(user: unknown): string | undefined {
    return this.#userKey && this.#keyOf(user, (error) => this.#events.failed(error));
  }

  /** The user to whom the client's detached session counts. Undefined for one without `userKey` that JSON cannot represent. */
  ownerOf(client: AcceptedClient): string | undefined {
    if (this.#userKey !== undefined) return this.keyOf(client);
    try {
      return JSON.stringify(client.user);
    } catch {
      return undefined;
    }
  }

  /** Whether a handshake of the second user may resume a session of the first one. */
  isSame(before: unknown, now: unknown): boolean {
    const isSameUser = this.#isSameUser;
    if (isSameUser === undefined) {
      if (this.#userKey === undefined) return isDeepStrictEqual(before, now);
      const key = this.keyOfUser(before);
      return key !== undefined && key === this.keyOfUser(now);
    }
    try {
      return isSameUser(before, now) === true;
    } catch (cause) {
      this.#events.failed(makeError('HANDLER_FAILED', { handler: 'isSameUser' }, cause));
      return false;
    }
  }

  #keyOf(user: unknown, failed: (error: WebsocketError) => void): string | undefined {
    try {
      const key = this.#userKey?.(user);
      if (typeof key === 'string') return key;
      throw new TypeError('userKey returned no string.');
    } catch (cause) {
      failed(makeError('HANDLER_FAILED', { handler: 'userKey' }, cause));
      return undefined;
    }
  }
}
