/**
 * The port through which the nodes of a server share topics, presence and sessions. A node is one server in one process. The memory of
 * the process is one implementation; a message broker is another. `test/backplane/suite.ts` has the tests that every implementation
 * MUST pass.
 */

/** Bytes that do not change any more: an implementation may keep them without a copy. */
export type Bytes = Uint8Array<ArrayBuffer>;

/** Names an entry of one topic's log. Only the backplane that made it reads it; 1 to 64 characters of ASCII from '!' to '~'. */
export type Position = string;

/** Names a node among all nodes, and is never used twice. */
export type NodeTag = string;

/** One message in the log of a topic. */
export interface Entry {
  readonly position: Position;
  /** The entry before it, also if that is in the log no longer; undefined for the first entry of a log. */
  readonly previous: Position | undefined;
  readonly payload: Bytes;
}

/** How much of a topic's log is kept. An entry beyond any of these bounds is removed, the oldest first. */
export interface Keep {
  readonly maxMessages: number;
  readonly maxBytes: number;
  readonly maxAgeMs: number;
}

/** A part of a topic's log. */
export interface Page {
  /** In order, each the predecessor of the next. */
  readonly entries: readonly Entry[];
  /**
   * Whether the log still continues at the requested position: true also if the oldest entries after it were removed. False if the
   * position is of another log, of another topic, not of this backplane, or not in the log that it claims to be of.
   */
  readonly isSameLog: boolean;
  /**
   * Entries that were removed between the requested position and the first of `entries`; undefined if `isSameLog` is false. 0 for
   * 'oldest' and 'now'.
   */
  readonly lost: number | undefined;
  /** Entries of the log after this page. */
  readonly remaining: number;
  /** Where the next page begins: the last of `entries`, otherwise the end of the log; undefined for a log without any entry so far. */
  readonly next: Position | undefined;
}

/** What one node contributes to a member of a topic's presence. */
export interface MemberPart {
  readonly key: string;
  /** Connections of the member to this node, of which so many are away. 0 removes the member from this node. */
  readonly connections: number;
  readonly away: number;
  /** JSON. The members of a key have the data with the highest `updatedAtMs`. */
  readonly data: string;
  readonly updatedAtMs: number;
}

/** The members that a node contributes. */
export interface NodeMembers {
  readonly node: NodeTag;
  readonly members: readonly MemberPart[];
}

/** The version of a value; undefined: there is no value. */
export type Version = number | undefined;

export interface Versioned {
  readonly version: Version;
  readonly value: Bytes | undefined;
}

/** Called by the backplane, but never within a call of its node: each of these may call the node. None of them throws. */
export interface Sink {
  /** A new entry of a topic that this node watches, in the order of the log, or with a gap that `previous` shows. */
  entry(topic: string, entry: Entry): void;
  /** A payload that is not in the log, for a topic that this node watches. */
  transient(topic: string, payload: Bytes): void;
  /** Members of another node changed, in a topic that this node watches. */
  presence(topic: string, changes: NodeMembers): void;
  signal(from: NodeTag, bytes: Bytes): void;
  /** The living nodes, this one included, after each change. */
  nodes(alive: readonly NodeTag[]): void;
  health(isUp: boolean): void;
}

/** Why a call failed. */
export type BackplaneFault =
  /** There is no connection to the broker. Nothing was done. */
  | 'down'
  /** Too many calls wait on this node. Nothing was done. */
  | 'busy'
  /** The broker has no memory for it. Nothing was done. */
  | 'full'
  /** No answer in time: the call may have been done. */
  | 'timeout';

export class BackplaneError extends Error {
  override readonly name = 'BackplaneError';
  readonly fault: BackplaneFault;

  constructor(fault: BackplaneFault, cause?: unknown) {
    super(`The backplane is ${fault === 'timeout' ? 'silent' : fault}.`, cause === undefined ? undefined : { cause });
    this.fault = fault;
  }
}

/** The part of a backplane that an application sees. */
export interface Backplane {
  /** Such as 'memory'. */
  readonly name: string;
}

/**
 * A backplane as a server uses it. Every promise settles within a bound of the implementation, and rejects with `BackplaneError` only:
 * 'down' before `open` and after `close`.
 */
export interface NodeBackplane extends Backplane {
  /** Joins as this node. MUST be called first, once; the connection is kept up until `close`. */
  open(node: NodeTag, sink: Sink): Promise<void>;
  /**
   * Appends the payload to the topic's log, removes the entries beyond `keep`, and pushes the new entry to every node that watches the
   * topic, this one included. MUST publish the same id of one topic once within two minutes, and answer a repetition with the position
   * of the first. MUST keep the order of the calls of one node for one topic. Resolves once the entry is stored.
   * The push to this node may come before or after the promise resolves.
   *
   * @param keep 'none': the payload is pushed and not stored, the id is not remembered, and the promise resolves with undefined.
   * @param signal ends the wait: the promise rejects with 'timeout'. If it is aborted before the call, nothing is done.
   */
  publish(topic: string, id: string, payload: Bytes, keep: Keep | 'none', signal?: AbortSignal): Promise<Position | undefined>;
  /**
   * Resolves when every later publish is pushed to this node, until the returned function is called; nothing is pushed from then on.
   * The calls are counted: the topic is watched until as many functions are called.
   */
  watch(topic: string): Promise<() => void>;
  /**
   * Reads the log after a position: at most `limit` entries, oldest first. 'start' is the place before the first entry that the log ever
   * had, so that `lost` counts all that were removed; 'oldest' begins at the first entry of the log; 'now' gives no entries, and its `next`
   * is the end of the log. A position that is not of this log (`isSameLog`) gives the whole log.
   *
   * @param limit at least 1.
   */
  read(topic: string, after: Position | 'start' | 'oldest' | 'now', limit: number): Promise<Page>;
  /** The last position of each topic's log, for comparison with the last one pushed. */
  tops(topics: readonly string[]): Promise<readonly (Position | undefined)[]>;
  /**
   * Sets what this node contributes to the topic's presence, pushes it to the other nodes that watch the topic, and resolves with the
   * parts of all living nodes.
   */
  presence(topic: string, changes?: readonly MemberPart[]): Promise<readonly NodeMembers[]>;
  /**
   * Compares and swaps: stores the value, or removes it if it is undefined, if the present version is the expected one. Resolves with the
   * version and the value after the call, so that the caller sees whether it won.
   *
   * @param ttlMs the value is removed after this time.
   */
  swap(key: string, expected: Version, value?: Bytes, ttlMs?: number): Promise<Versioned>;
  /** Sends bytes to a node; those to a node that has left are dropped. */
  signal(node: NodeTag, bytes: Bytes): Promise<void>;
  /** Leaves: the members of this node are removed, and pushed with 0 connections. The sink is not called any more. Safe to call twice. */
  close(): Promise<void>;
}
