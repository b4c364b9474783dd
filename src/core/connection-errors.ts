import { WebsocketError } from './errors.js';
import type { Settings } from './options.js';
import type { CloseInfo } from './types.js';

export function addressFailed(cause: unknown): WebsocketError {
  if (cause instanceof WebsocketError) return cause;
  return new WebsocketError('CONNECT_FAILED', 'The address function failed: see cause.', {}, cause);
}

export function dialThrew(cause: unknown): WebsocketError {
  if (cause instanceof WebsocketError) return cause;
  const message = 'The platform refused these options: see cause.';
  return new WebsocketError('CONNECT_FAILED', message, {}, cause);
}

export function channelDead(silentMs: number): WebsocketError {
  return new WebsocketError('LINK_DEAD', `The peer was silent for ${silentMs} ms and answered no ping.`, { silentMs });
}

export function inboxFull(settings: Settings): WebsocketError {
  return tooMuch(settings, 'this WebSocket cannot slow the sender. Read faster, raise the inbox bounds, or use a session.');
}

export function tailDropped(settings: Settings): WebsocketError {
  return tooMuch(settings, 'what came after close() was not kept. Read before close(), or raise the inbox bounds.');
}

function tooMuch({ inbox }: Settings, advice: string): WebsocketError {
  const { maxMessages, maxBytes } = inbox;
  const message = `More than ${maxMessages} messages or ${maxBytes} bytes wait to be read, and ${advice}`;
  return new WebsocketError('INBOX_FULL', message, { maxMessages, maxBytes });
}

export function tooBigForPeer({ code, reason }: CloseInfo): WebsocketError {
  const message = `The peer closed with 1009 (${reason}). Raise maxMessageBytes there.`;
  return new WebsocketError('MESSAGE_TOO_BIG', message, { closeCode: code, reason });
}

export function sentAway({ code, reason }: CloseInfo): WebsocketError {
  const message = `The server closed the connection before it was ready: ${code} ${reason}. Its log says more.`;
  return new WebsocketError('CONNECT_FAILED', message, { closeCode: code, reason });
}
