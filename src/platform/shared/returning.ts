import { backoffDelayMs } from '../../core/backoff.js';
import type { Cancel } from '../../core/clock.js';
import type { ReconnectAttempt } from '../../core/types.js';
import type { MirrorParts } from './mirror-parts.js';

/** When a tab that has lost its hub, or was left behind by it, asks for the connection again: no hub is there to say so. */
export class Returning {
  readonly #parts: Pick<MirrorParts, 'platform' | 'settings'>;
  #losses = 0;
  #comeBack: (() => void) | undefined;
  #cancelTimer: Cancel | undefined;

  constructor(parts: Pick<MirrorParts, 'platform' | 'settings'>) {
    this.#parts = parts;
  }

  /** @returns the attempt, which is the timer's; undefined when none is left. */
  later(comeBack: () => void): Omit<ReconnectAttempt, 'cause'> | undefined {
    const { settings, platform } = this.#parts;
    const attempt = this.#losses + 1;
    this.#losses = attempt;
    if (settings.reconnect === undefined || attempt > settings.reconnect.maxAttempts) return undefined;
    const delayMs = backoffDelayMs(settings.reconnect, attempt, platform.random());
    this.whenAsked(comeBack);
    this.#cancelTimer = platform.clock.after(delayMs, () => this.now());
    return { attempt, delayMs };
  }

  /** No timer: the page is hidden. */
  whenAsked(comeBack: () => void): void {
    this.stop();
    this.#comeBack = comeBack;
  }

  /** False where the tab has nothing to come back to. */
  now(): boolean {
    const comeBack = this.#comeBack;
    this.stop();
    comeBack?.();
    return comeBack !== undefined;
  }

  /** The connection is open. */
  done(): void {
    this.#losses = 0;
  }

  stop(): void {
    this.#cancelTimer?.();
    this.#comeBack = undefined;
  }
}
