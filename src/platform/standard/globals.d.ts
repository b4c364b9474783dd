/** The globals that this layer uses: every runtime with a WebSocket and without a page has them. */
declare const console: { error(...values: unknown[]): void };
