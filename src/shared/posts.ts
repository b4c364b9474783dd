import type { ChannelOptions } from '../core/client-parts.js';
import type { Settings } from '../core/options.js';
import type { CloseInfo, Continuity, Message } from '../core/types.js';
import type { CarriedError } from './carried-error.js';

/*
 * What a tab and the hub post to each other: arrays of these, in order, as structured clones. A change that an older
 * side would not understand goes with another name for the worker (entry/shared.ts), so that the two never meet.
 */

/** What tabs must have in common to share a connection, beside the name of it. */
export type SharedSettings = Pick<
  Settings,
  'protocols' | 'connectTimeoutMs' | 'closeTimeoutMs' | 'reconnect' | 'maxMessageBytes' | 'liveness'
>;

export type ToHub =
  /** First of all, and again after a time away. */
  | {
      readonly is: 'join';
      /** The same for every seat of a tab's client. */
      readonly tab: string;
      /** Who has the same shares the connection; undefined: nobody does. */
      readonly key: string | undefined;
      /** Undefined where it is to be asked for before every attempt. */
      readonly address: string | undefined;
      readonly settings: SharedSettings;
      readonly session: ChannelOptions | undefined;
      /** Whether a first attempt that fails is the end of it. */
      readonly retryFirstAttempt: boolean;
      /** How much may be posted to the tab beyond what it has told to be `taken`. */
      readonly windowBytes: number;
    }
  /** The tab holds this lock for as long as it lives. */
  | { readonly is: 'holds'; readonly lock: string }
  | { readonly is: 'message'; readonly message: string | Uint8Array<ArrayBuffer>; readonly bytes: number }
  /** Messages have come, or been read, that cost so much (`costOf`). */
  | { readonly is: 'taken'; readonly bytes: number }
  | { readonly is: 'address'; readonly ask: number; readonly address: string }
  | { readonly is: 'noAddress'; readonly ask: number; readonly error: CarriedError }
  /** The page is shown, or, where the tab was left `behind`, receives again. */
  | { readonly is: 'wake' }
  /** Ends the membership; `closed` answers. The last one closes the connection with it. */
  | { readonly is: 'close'; readonly code: number; readonly reason: string }
  /** The same, of who waits for no answer. */
  | { readonly is: 'leave'; readonly code: number; readonly reason: string };

export type ToTab =
  | { readonly is: 'joined' }
  /** The hub holds this lock for as long as it lives. */
  | { readonly is: 'holds'; readonly lock: string }
  | {
      readonly is: 'opened';
      readonly protocol: string;
      /** Identifies the client of the hub, across its reconnects. */
      readonly connection: string;
      readonly continuity: Continuity;
      /** Names a row of messages without a gap, and how many of it there were. */
      readonly epoch: string;
      readonly received: number;
    }
  /** The connection is broken, and will be tried again. */
  | { readonly is: 'broken' }
  | { readonly is: 'retrying'; readonly attempt: number; readonly delayMs: number; readonly cause: CarriedCause }
  | { readonly is: 'failed'; readonly error: CarriedError }
  | { readonly is: 'message'; readonly message: Message; readonly bytes: number }
  | Count
  /** Messages of tabs that are gone. */
  | { readonly is: 'undelivered'; readonly messages: readonly Message[] }
  | { readonly is: 'measured'; readonly rttMs: number }
  | { readonly is: 'ask'; readonly ask: number }
  /** The tab has taken too little for too long, and receives nothing more until it asks for it. What it posts is still sent. */
  | { readonly is: 'behind' }
  | { readonly is: 'closed'; readonly info: CloseInfo; readonly error: CarriedError | undefined };

/**
 * The oldest messages of the tab, so many, are about to be handed to the network; with a session, the server has acknowledged
 * so many, or their session is gone and the tab hands them back. Each message is counted as `handed` first.
 */
export interface Count {
  readonly is: 'handed' | 'acknowledged' | 'returned';
  messages: number;
}

export type CarriedCause = { readonly error: CarriedError } | { readonly info: CloseInfo };

/**
 * How long a tab that reads nothing may hold a session, and with it the other tabs: what a person takes for a page that
 * hangs. Alone it may do so for ever, as a page without others does.
 */
export const SLOW_TAB_MS = 10_000;

/** A message on its way costs more than its bytes, or empty ones would cost nothing. As in a session. */
export function postCost(bytes: number): number {
  return bytes + 32;
}

/** A MessagePort, as far as it is used: whatever it comes from. */
export interface PortLike {
  postMessage(posts: unknown): void;
  onmessage: ((event: { readonly data: unknown }) => void) | null;
  close(): void;
}

/** What is posted in one go travels together, with the microtasks of the turn, or at once by `flush`. */
export class Poster<Post> {
  readonly #port: PortLike;
  #posts: Post[] = [];

  constructor(port: PortLike) {
    this.#port = port;
  }

  /** One post for as many as come in a row. */
  count(this: Poster<ToTab>, is: Count['is']): void {
    const last = this.#posts.at(-1);
    if (last?.is === is) (last as Count).messages += 1;
    else this.post({ is, messages: 1 });
  }

  post(post: Post): void {
    if (this.#posts.push(post) === 1) queueMicrotask(() => this.flush());
  }

  flush(): void {
    if (this.#posts.length === 0) return;
    const posts = this.#posts;
    this.#posts = [];
    this.#port.postMessage(posts);
  }
}
