import type { ChannelOptions } from '../core/client-parts.js';
import { type ErrorCode, type ErrorContext, makeError, WebsocketError } from '../core/errors.js';
import type { Settings } from '../core/options.js';
import type { CloseInfo, Continuity, Message } from '../core/types.js';

/*
 * The posts between a tab and the hub: arrays of these, in order, as structured clones. A change that an older side would not
 * understand requires another name of the worker (entry/shared.ts), so that the two never meet.
 */

/** The settings that tabs must have in common to share a connection. */
export type SharedSettings = Pick<
  Settings,
  'protocols' | 'connectTimeoutMs' | 'closeTimeoutMs' | 'reconnect' | 'givenMaxDelayMs' | 'maxMessageBytes' | 'liveness'
>;

/** The first post of a tab, and the first after the tab has left the hub. */
export interface Join {
  readonly is: 'join';
  /** The same for every port of a tab's client. */
  readonly tab: string;
  /** Clients with the same key share a connection; undefined: the connection is not shared. */
  readonly key: string | undefined;
  /** Undefined: the hub asks for it before every attempt. */
  readonly address: string | undefined;
  readonly settings: SharedSettings;
  readonly session: ChannelOptions | undefined;
  /** False: the first attempt that fails closes the client. */
  readonly retryFirstAttempt: boolean;
  /** Bytes that may be posted to the tab and not yet reported as `taken`. */
  readonly windowBytes: number;
}

export type ToHub =
  | Join
  /** Whether the page is visible: with every `join`, and whenever it changes. */
  | { readonly is: 'visibility'; readonly isVisible: boolean }
  /** The tab holds this lock until it ends. */
  | { readonly is: 'holds'; readonly lock: string }
  | { readonly is: 'message'; readonly message: string | Uint8Array<ArrayBuffer>; readonly bytes: number }
  /** A record of an extension, such as topics. */
  | { readonly is: 'record'; readonly kind: number; readonly body: Uint8Array<ArrayBuffer> }
  /** Messages of this cost (`postCost`) were received, or with a session were read. */
  | { readonly is: 'taken'; readonly bytes: number }
  | { readonly is: 'address'; readonly ask: number; readonly address: string }
  | { readonly is: 'noAddress'; readonly ask: number; readonly error: CarriedError }
  /** The page is visible or online; or the tab, after `behind`, receives again. */
  | { readonly is: 'wake' }
  /** The client closes, and `closed` is the answer. The last client of a connection closes the connection. */
  | { readonly is: 'close'; readonly code: number; readonly reason: string }
  /** The same without an answer. */
  | { readonly is: 'leave'; readonly code: number; readonly reason: string };

export type ToTab =
  | { readonly is: 'joined' }
  /** The hub holds this lock until it ends. */
  | { readonly is: 'holds'; readonly lock: string }
  | {
      readonly is: 'opened';
      readonly protocol: string;
      /** Identifies the client of the hub, across its reconnects. */
      readonly connection: string;
      readonly continuity: Continuity;
      /** Names a series of messages without a gap, of which the hub has received so many. */
      readonly epoch: string;
      readonly received: number;
      /** Of the server: see `RecordPort`. */
      readonly features: number;
      readonly maxBodyBytes: number;
    }
  | { readonly is: 'record'; readonly kind: number; readonly body: Uint8Array<ArrayBuffer> }
  /** The connection was lost; the hub reconnects. */
  | { readonly is: 'disconnected' }
  | { readonly is: 'retrying'; readonly attempt: number; readonly delayMs: number; readonly cause: CarriedCause }
  | { readonly is: 'failed'; readonly error: CarriedError }
  | { readonly is: 'message'; readonly message: Message; readonly bytes: number }
  | Count
  /** Messages of tabs that have ended. */
  | { readonly is: 'undelivered'; readonly messages: readonly Message[] }
  | { readonly is: 'measured'; readonly rttMs: number }
  | { readonly is: 'ask'; readonly ask: number }
  /** The tab exceeded its window for too long, and receives nothing more until it posts `wake`. Its own messages are still sent. */
  | { readonly is: 'behind' }
  | { readonly is: 'closed'; readonly info: CloseInfo; readonly error: CarriedError | undefined };

/**
 * Counts the oldest messages of the tab: they are about to be handed to the network (`handed`); with a session, the server has
 * acknowledged them, or their session is lost and the tab hands them back (`returned`). Each message is counted as `handed` first.
 */
export interface Count {
  readonly is: 'handed' | 'acknowledged' | 'returned';
  messages: number;
}

export type CarriedCause = { readonly error: CarriedError } | { readonly info: CloseInfo };

/** The facts of a tab's client for its hub. */
export interface JoinFacts {
  /** See `shareKey`. */
  readonly key: string | undefined;
  /** Undefined: the hub asks for it, and the tab answers. */
  readonly address: string | undefined;
  readonly settings: Settings;
  readonly session: ChannelOptions | undefined;
  readonly retryFirstAttempt: boolean;
}

/** Bytes in transit to a tab: as many as an inbox holds, so that a page that hangs for a while misses no messages. */
const PLAIN_WINDOW_BYTES = 32 * 1024 * 1024;

/**
 * Clients with the same key share a connection: the same name or address, and the same options of the connection. Undefined: the
 * connection is not shared. The answer of an address function is not known, and a guess could give one user's connection to another.
 */
export function shareKey(
  name: string | undefined,
  address: string | undefined,
  settings: Settings,
  session: ChannelOptions | undefined,
): string | undefined {
  if (name === undefined && address === undefined) return undefined;
  const subject = name === undefined ? { address } : { name };
  return JSON.stringify([subject, sharedSettings(settings), session]);
}

/** @param hasOpened false before the client has opened: until then an attempt that fails may close it. */
export function joinPost(facts: JoinFacts, tab: string, hasOpened: boolean): Join {
  const { key, address, settings, session, retryFirstAttempt } = facts;
  return {
    is: 'join',
    tab,
    key,
    address,
    settings: sharedSettings(settings),
    session,
    retryFirstAttempt: retryFirstAttempt || hasOpened,
    windowBytes: session?.windowBytes ?? PLAIN_WINDOW_BYTES,
  };
}

/** The settings of the connection. The others are the tab's: its inbox and its outbox. */
function sharedSettings(settings: Settings): SharedSettings {
  const { protocols, connectTimeoutMs, closeTimeoutMs, reconnect, givenMaxDelayMs, maxMessageBytes, liveness } = settings;
  return { protocols, connectTimeoutMs, closeTimeoutMs, reconnect, givenMaxDelayMs, maxMessageBytes, liveness };
}

/**
 * How long a tab that reads nothing may stop a session, and with it the other tabs: after this time a person takes a page for
 * hung. A tab without others may do so without end, as a client that is not shared may.
 */
export const SLOW_TAB_MS = 10_000;

/** The cost of a message in transit. Like in a session, a constant is added, because an empty message is not free. */
export function postCost(bytes: number): number {
  return bytes + 32;
}

/**
 * A WebsocketError as it travels between a tab and the worker: a structured clone would keep neither class nor code. Each side makes
 * its own message from code and context: a tab may be of a build with sentences, and the worker is of one without.
 */
export interface CarriedError {
  readonly code: ErrorCode;
  readonly context: ErrorContext;
  readonly cause: CarriedError | string | undefined;
  /** The question of the hub that the tab could not answer: that tab still has the original error. */
  readonly ask?: number;
}

export function carry(error: WebsocketError, ask?: number): CarriedError {
  const { code, context, cause } = error;
  const carried = { code, context: cloneable(context), cause: carryCause(cause) };
  return ask === undefined ? carried : { ...carried, ask };
}

export function unpack({ code, context, cause }: CarriedError): WebsocketError {
  return makeError(code, context, typeof cause === 'object' ? unpack(cause) : cause);
}

function carryCause(cause: unknown): CarriedError['cause'] {
  if (cause instanceof WebsocketError) return carry(cause);
  return cause === undefined ? undefined : String(cause);
}

/** A port throws for a value that cannot be cloned. */
function cloneable(context: ErrorContext): ErrorContext {
  return Object.fromEntries(Object.entries(context).map(([name, value]) => [name, typeof value === 'object' ? String(value) : value]));
}
