import type { Bytes, Entry, Keep, Page, Position } from './backplane.js';
import type { MemoryBudget } from './memory-budget.js';
import { withoutSlab } from './memory-bytes.js';
import type { Deadlines } from './memory-deadlines.js';
import { PublishIds, REMEMBER_MS } from './memory-ids.js';
import { ENTRY_BYTES, LOG_BYTES, MemoryLog } from './memory-log.js';
import type { ElapsedTime, MemoryClock } from './memory-time.js';

export interface LogsParts {
  readonly clock: MemoryClock;
  readonly time: ElapsedTime;
  readonly deadlines: Deadlines;
  readonly budget: MemoryBudget;
  readonly maxTopics: number;
  readonly maxIds: number;
  /** A number in [0, 1). */
  random(): number;
  isWatched(topic: string): boolean;
}

/** 41 random bits, of a fixed length so that an epoch and an id can be joined. */
const EPOCH_CHARACTERS = 8;

/** The logs of all topics. An old log without entries that no node watches is forgotten; a later log of the topic has another epoch. */
export class MemoryLogs {
  readonly #parts: LogsParts;
  readonly #logs = new Map<string, MemoryLog>();
  readonly #ids: PublishIds;

  constructor(parts: LogsParts) {
    this.#parts = parts;
    this.#ids = new PublishIds(parts.maxIds);
  }

  /** Appends an entry, or returns the position of an earlier publish with the same id. Throws 'full'. */
  publish(topic: string, id: string, payload: Bytes, keep: Keep): Entry | Position {
    const { time, budget } = this.#parts;
    const nowMs = time.now();
    const found = this.#logs.get(topic);
    const repeated = found === undefined ? undefined : this.#ids.positionOf(keyOf(found, id));
    if (repeated !== undefined) return repeated;
    budget.require(() => this.#hasRoom(topic, payload, keep, nowMs));
    const log = this.#logs.get(topic) ?? this.#create(topic);
    const entry = this.#append(log, withoutSlab(payload), keep, nowMs);
    this.#ids.add(keyOf(log, id), entry.position, nowMs);
    this.#setDeadlineOfIds();
    this.#setDeadline(topic, log);
    return entry;
  }

  read(topic: string, after: Position | 'start' | 'oldest' | 'now', limit: number): Page {
    const log = this.#logs.get(topic);
    if (log === undefined) {
      const isPosition = after !== 'start' && after !== 'oldest' && after !== 'now';
      return { entries: [], isSameLog: !isPosition, lost: isPosition ? undefined : 0, remaining: 0, next: undefined };
    }
    this.#trim(log, this.#parts.time.now());
    return log.page(after, limit);
  }

  topOf(topic: string): Position | undefined {
    return this.#logs.get(topic)?.top;
  }

  /** To be called when no node watches the topic any more. */
  unwatched(topic: string): void {
    const log = this.#logs.get(topic);
    if (log !== undefined) this.#setDeadline(topic, log);
  }

  #hasRoom(topic: string, payload: Bytes, keep: Keep, nowMs: number): boolean {
    const { budget, maxTopics } = this.#parts;
    const log = this.#logs.get(topic);
    if (log === undefined) return this.#logs.size < maxTopics && budget.hasRoom(LOG_BYTES + ENTRY_BYTES + payload.byteLength);
    return budget.hasRoom(ENTRY_BYTES + payload.byteLength) || budget.hasRoom(log.growthBytes(payload, keep, nowMs));
  }

  #create(topic: string): MemoryLog {
    const number = Math.floor(this.#parts.random() * 36 ** EPOCH_CHARACTERS);
    const log = new MemoryLog(number.toString(36).padStart(EPOCH_CHARACTERS, '0'));
    this.#logs.set(topic, log);
    this.#parts.budget.change(LOG_BYTES);
    return log;
  }

  #append(log: MemoryLog, payload: Bytes, keep: Keep, nowMs: number): Entry {
    const bytes = log.memoryBytes;
    const entry = log.append(payload, keep, this.#parts.clock.now(), nowMs);
    this.#parts.budget.change(log.memoryBytes - bytes);
    return entry;
  }

  #trim(log: MemoryLog, nowMs: number): void {
    const bytes = log.memoryBytes;
    log.trim(nowMs);
    this.#parts.budget.change(log.memoryBytes - bytes);
  }

  #setDeadline(topic: string, log: MemoryLog): void {
    const dueMs = log.expiresMs ?? log.changedMs + REMEMBER_MS;
    if (dueMs < log.deadlineMs) this.#parts.deadlines.set(log, dueMs, (nowMs) => this.#expire(topic, log, nowMs));
  }

  #expire(topic: string, log: MemoryLog, nowMs: number): void {
    this.#trim(log, nowMs);
    if (log.length > 0 || nowMs < log.changedMs + REMEMBER_MS) {
      this.#setDeadline(topic, log);
    } else if (!this.#parts.isWatched(topic)) {
      this.#logs.delete(topic);
      this.#parts.budget.change(-LOG_BYTES);
    }
  }

  #setDeadlineOfIds(): void {
    const dueMs = this.#ids.expiresMs;
    if (dueMs >= this.#ids.deadlineMs) return;
    this.#parts.deadlines.set(this.#ids, dueMs, (nowMs) => {
      this.#ids.expire(nowMs);
      this.#setDeadlineOfIds();
    });
  }
}

/** `join` makes one flat string, where `+` makes a tree of its parts that needs three times the memory. */
function keyOf({ epoch }: MemoryLog, id: string): string {
  return [epoch, id].join('');
}
