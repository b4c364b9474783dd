/**
 * The web globals that core and session may use: those that every JavaScript runtime has. The compiler knows no
 * others here (no DOM, no Node), so neither layer can come to depend on a platform.
 */

declare class URL {
  constructor(url: string | URL, base?: string | URL);
  readonly href: string;
  readonly origin: string;
  readonly protocol: string;
  readonly username: string;
  readonly password: string;
  readonly host: string;
  readonly hostname: string;
  readonly port: string;
  readonly pathname: string;
  readonly search: string;
  readonly hash: string;
}

interface AbortSignal {
  readonly aborted: boolean;
  readonly reason: unknown;
  addEventListener(type: 'abort', listener: () => void, options?: { once?: boolean }): void;
  removeEventListener(type: 'abort', listener: () => void): void;
}

declare function queueMicrotask(callback: () => void): void;
declare function setTimeout(call: () => void, delayMs: number): unknown;
declare function clearTimeout(timer: unknown): void;

interface ReadableStreamDefaultController<T> {
  readonly desiredSize: number | null;
  enqueue(chunk: T): void;
  close(): void;
  error(reason?: unknown): void;
}

declare class ReadableStream<T> {
  constructor(
    source: {
      pull?: (controller: ReadableStreamDefaultController<T>) => void | Promise<void>;
      cancel?: (reason?: unknown) => void | Promise<void>;
    },
    strategy?: { highWaterMark?: number },
  );
}

interface WritableStreamDefaultController {
  error(reason?: unknown): void;
}

declare class WritableStream<T> {
  constructor(
    sink: {
      start?: (controller: WritableStreamDefaultController) => void;
      write?: (chunk: T) => void | Promise<void>;
      close?: () => void | Promise<void>;
      abort?: (reason?: unknown) => void | Promise<void>;
    },
    strategy?: { highWaterMark?: number },
  );
}

declare class TextEncoder {
  encode(text: string): Uint8Array<ArrayBuffer>;
  encodeInto(text: string, target: Uint8Array): { read: number; written: number };
}

declare class TextDecoder {
  constructor(label?: string, options?: { fatal?: boolean; ignoreBOM?: boolean });
  decode(bytes: Uint8Array): string;
}
