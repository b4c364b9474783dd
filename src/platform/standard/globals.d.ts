/** The globals that this layer counts on, in every runtime that has a WebSocket and no page. */
declare const console: { error(...values: unknown[]): void };
