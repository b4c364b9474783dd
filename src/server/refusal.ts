import { STATUS_CODES } from 'node:http';
import type { Duplex } from 'node:stream';

/** Why a handshake did not become a client; each has a counter in the metrics. */
export type RefusalReason = 'path' | 'origin' | 'host' | 'full' | 'auth' | 'request' | 'timeout' | 'closing' | 'gone';

export interface Refusal {
  readonly reason: RefusalReason;
  readonly status: number;
  /** What the person at the other end can do about it. */
  readonly text: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly cause?: unknown;
}

/**
 * Answers a request, and is done with the socket. Never throws, whatever state the socket is in.
 *
 * @returns false where nobody is there to be answered.
 */
export function refuse(socket: Duplex, { status, text, headers }: Refusal): boolean {
  socket.on('error', ignore);
  if (!socket.writable) {
    socket.destroy();
    return false;
  }
  const body = `${text}\n`;
  const lines = Object.entries({
    Connection: 'close',
    'Content-Type': 'text/plain; charset=utf-8',
    'Content-Length': String(Buffer.byteLength(body)),
    ...headers,
  }).map(([name, value]) => `${name}: ${value}\r\n`);
  socket.once('finish', () => socket.destroy());
  socket.end(`HTTP/1.1 ${status} ${STATUS_CODES[status]}\r\n${lines.join('')}\r\n${body}`);
  return true;
}

export function ignore(): void {}
