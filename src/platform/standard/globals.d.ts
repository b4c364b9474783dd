/** The globals that this layer counts on, in every runtime that has a WebSocket and no page. */
declare function setTimeout(call: () => void, delayMs: number): unknown;
declare function clearTimeout(timer: unknown): void;
declare const console: { error(...values: unknown[]): void };
