import { adviceOn, dialAdvice, listenAdvice, redirectAdvice, statusAdvice } from './network-advice.js';
import { invalidOption } from './option-messages.js';

/** Every `code` of a WebsocketError. docs/errors.md says for each what to do. */
export type ErrorCode =
  | 'ABORTED'
  | 'ACCEPT_FAILED'
  | 'BACKPLANE_BUSY'
  | 'BACKPLANE_DOWN'
  | 'BACKPLANE_FULL'
  | 'BACKPLANE_TIMEOUT'
  | 'CONNECT_FAILED'
  | 'CONNECT_TIMEOUT'
  | 'CONNECTION_LOST'
  | 'FORBIDDEN'
  | 'HANDLER_FAILED'
  | 'HAS_HANDLER'
  | 'INBOX_FULL'
  | 'INSECURE_ADDRESS'
  | 'INVALID_ADDRESS'
  | 'INVALID_CLOSE'
  | 'INVALID_MESSAGE'
  | 'INVALID_OPTION'
  | 'LINK_DEAD'
  | 'LISTEN_FAILED'
  | 'MESSAGE_TOO_BIG'
  | 'NOT_OPEN'
  | 'OUTBOX_FULL'
  | 'PROTOCOL_ERROR'
  | 'RATE_LIMITED'
  | 'TOO_MANY_TOPICS'
  | 'TOO_SLOW'
  | 'UNDELIVERED'
  | 'UNKNOWN_CLIENT'
  | 'UNSENT'
  | 'UNSUPPORTED';

/** Facts by name: docs/errors.md says for each code which ones. */
export type ErrorContext = Readonly<Record<string, unknown>>;

/** Builds without the condition `development` have short-messages.ts in place of this file. */
export function messageOf(code: ErrorCode, context: ErrorContext, cause: unknown): string {
  return sentences[code](context, cause);
}

/** The sentence of an error, from its facts and its cause. Interpolates only facts of known types: a value of the application may throw. */
type Sentence = (context: ErrorContext, cause: unknown) => string;

const sentences: Readonly<Record<ErrorCode, Sentence>> = {
  ABORTED: () => 'The signal was aborted before the connection opened.',
  BACKPLANE_BUSY: () =>
    'Too many publishes wait for the backplane of the server. Publish less at a time, and publish this message again later.',
  BACKPLANE_DOWN: () => 'The server has no connection to its backplane. Publish again when it is up.',
  BACKPLANE_FULL: () => 'The backplane of the server has no memory for the message. Raise its bounds, or keep less history.',
  BACKPLANE_TIMEOUT: () => 'The backplane of the server did not answer in time. The message may have arrived.',
  ACCEPT_FAILED: ({ systemCode }, cause) =>
    `The server could not accept a connection (${systemCode ?? textOf(cause)}) and continues. Check the limit on file descriptors.`,
  CONNECT_FAILED: connectFailed,
  CONNECT_TIMEOUT: ({ timeoutMs }) =>
    `No connection within ${timeoutMs} ms. Check that a WebSocket server (with session(), a gemsocket server) answers there, or raise connectTimeoutMs.`,
  CONNECTION_LOST: ({ code, reason }) => `The connection ended with code ${code} (${reason || 'no reason given'}).`,
  FORBIDDEN: ({ topic }) =>
    `The server does not permit this${typeof topic === 'string' ? ` for the topic ${topic}` : ''}. Its option authorize decides; without it every topic is forbidden.`,
  HANDLER_FAILED: ({ handler }) =>
    `The application's ${failedHandlers[handler as keyof typeof failedHandlers] ?? `${handler} handler threw. No connection is affected`}; see cause.`,
  HAS_HANDLER: () => 'The client has a message handler, which takes every message. Remove the handler to iterate.',
  INBOX_FULL: inboxFull,
  INSECURE_ADDRESS: ({ address }) => `${address} is not encrypted. Write wss://, or set type: 'insecure'.`,
  INVALID_ADDRESS: invalidAddress,
  INVALID_CLOSE: ({ code, limit }) =>
    code === undefined
      ? `The close reason must be a string of at most ${limit} bytes of UTF-8.`
      : 'This close code cannot be sent. Use 1000 or 3000 to 4999.',
  INVALID_MESSAGE: ({ method }) => messageMethods[method as keyof typeof messageMethods],
  INVALID_OPTION: invalidOption,
  LINK_DEAD: ({ silentMs }) => `The peer was silent for ${silentMs} ms and answered no ping.`,
  LISTEN_FAILED: ({ host, port, systemCode }) =>
    `Could not listen on ${host}:${port} (${systemCode}). ${adviceOn(systemCode, listenAdvice)}`,
  MESSAGE_TOO_BIG: messageTooBig,
  NOT_OPEN: ({ state, code }) => {
    if (code !== undefined) return 'The connection was closed before it opened. Make a new client to connect again.';
    return `The connection is ${state}. ${state === 'idle' ? 'Call connect() first.' : 'Make a new client to connect again.'}`;
  },
  OUTBOX_FULL: ({ buffered, size, limit }) =>
    `${buffered} bytes wait, and ${size} more exceed outbox.maxBytes (${limit}). Await drained() when a send returns false, or raise outbox.maxBytes.`,
  PROTOCOL_ERROR: protocolError,
  RATE_LIMITED: ({ messagesPerSecond, burst }) =>
    `The client sent more than ${messagesPerSecond} messages per second, beyond a burst of ${burst}, and was closed with 1008. Raise rateLimit if the client may do so.`,
  TOO_MANY_TOPICS: ({ limit }) =>
    `The client has ${limit} subscriptions and presences, the most that the server allows. End some of them, or raise topics.maxPerClient.`,
  TOO_SLOW: ({ buffered }) =>
    `The client reads too slowly: ${buffered} bytes waited for it, and it was closed with 1013. Await drained() when a send returns false, send less to it, or raise maxBufferedBytes.`,
  UNDELIVERED: ({ messages }) => `${messages} messages of the session may not have arrived. Listen to undelivered.`,
  UNKNOWN_CLIENT: ({ id }) =>
    `No client${typeof id === 'string' ? ` ${id}` : ''} is on this bus. Use the id of a client that createClient returned and that is not closed.`,
  UNSENT: ({ messages, bytes, code }) =>
    `The connection ended (${code}) with ${messages} messages (${bytes} bytes) unsent. Await drained() before close(), or send them again.`,
  UNSUPPORTED: unsupported,
};

const failedHandlers = {
  isSameUser: 'isSameUser function threw, so the session was not resumed. The server continues',
  userKey: 'userKey function threw or returned no string, so the client counts as no known user. The server continues',
};

function connectFailed(context: ErrorContext, cause: unknown): string {
  const { address, closeCode, protocol, reason, status, step, systemCode } = context;
  if (step === 'address')
    return cause === undefined ? 'No tab was left that could resolve the address.' : 'The address function failed: see cause.';
  if (step === 'dial') return 'The platform refused these options: see cause.';
  if (closeCode !== undefined)
    return `The server closed the connection before it was ready: ${closeCode} ${reason}. See the log of the server.`;
  if (protocol !== undefined) {
    const choice = protocol === '' ? 'selected none of the subprotocols' : `selected the subprotocol ${protocol}, which was not offered`;
    return `The server at ${address} ${choice}. Offer one that the server supports in the option protocols.`;
  }
  if (typeof status === 'number') {
    const advice = status >= 300 && status < 400 ? redirectAdvice : adviceOn(status, statusAdvice);
    return `${address} answered the handshake with HTTP ${status} instead of 101. ${advice}`;
  }
  if (cause !== undefined) return `Could not connect to ${address}: ${systemCode ?? textOf(cause)}. ${adviceOn(systemCode, dialAdvice)}`;
  return `Could not connect to ${address}. Browsers do not say why: see the network log and the console; check the server, its certificate, origin and protocols.`;
}

function inboxFull({ maxMessages, maxBytes, slowMs, isClosing }: ErrorContext): string {
  if (slowMs !== undefined)
    return `This tab left more than ${maxBytes} bytes unread for ${slowMs} ms while other tabs of the same session waited. Read faster, raise session.windowBytes, or give this tab its own session.`;
  const advice =
    isClosing === true
      ? 'messages that arrived after close() were dropped. Read before close(), or raise the inbox bounds.'
      : 'this WebSocket cannot slow the sender. Read faster, raise the inbox bounds, or use a session.';
  return `More than ${maxMessages} messages or ${maxBytes} bytes wait to be read, and ${advice}`;
}

function invalidAddress({ address, part, scheme }: ErrorContext): string {
  if (scheme !== undefined) return `The scheme ${scheme}:// is not wss:// or ws://.`;
  if (part === 'user') return `The address ${address} has a user name or password. Send a token in the query or in a message.`;
  if (part === 'fragment') return `The address ${address} has a fragment. Remove the # and the text after it.`;
  if (part === 'port') return `The address ${address} has port 0. Use a port from 1 to 65535.`;
  return "The address is empty or can't be parsed. Write 'host:port/path' or 'wss://host/path', a port from 1 to 65535, an IPv6 address in brackets.";
}

const messageMethods = {
  publish: 'publish() takes a string, an ArrayBuffer or a view of one.',
  broadcast: 'broadcast() takes a string, an ArrayBuffer or a view of one.',
  sendMessage: 'sendMessage() takes a string; for bytes, use sendMessageBinary().',
  sendMessageBinary: 'sendMessageBinary() takes an ArrayBuffer that was not transferred, or a view of one.',
};

function messageTooBig({ isOwn, limit, reason, size, topic }: ErrorContext): string {
  if (topic !== undefined)
    return `The message or the data is larger than the topic takes (${limit} bytes). Publish less at a time, or raise topics.maxMessageBytes and maxMessageBytes of the server; the data of a presence has at most topics.maxPresenceBytes.`;
  if (reason !== undefined) return `The peer closed with 1009 (${reason}). Raise maxMessageBytes there.`;
  if (isOwn === true)
    return `The message has ${size} bytes, the peer announced that it takes at most ${limit}, and the connection was closed with 1009. Send less at a time, or raise maxMessageBytes there.`;
  const message = size === undefined ? 'a message' : `a message of ${size} bytes`;
  return `The peer sent ${message}, over ${boundOf(limit)}, and was closed with 1009. Raise the option to receive such messages.`;
}

function protocolError({ closeCode, fault, limit }: ErrorContext, cause: unknown): string {
  if (fault === 'pings')
    return 'The peer sent a flood of pings and did not read the pongs, so it was closed with 1008. The fault is on its side.';
  if (fault !== undefined)
    return `The peer sent ${fault}, against gem.1, and was closed with ${closeCode}. The fault is in the peer or in a proxy in between.`;
  return closeCode === 1008
    ? `The peer sent a message in more pieces than ${boundOf(limit)} allows (${textOf(cause)}) and was closed with 1008. Send larger pieces there, or raise the option.`
    : `The peer violated the WebSocket protocol (${textOf(cause)}) and was closed with ${closeCode}. The fault is on its side.`;
}

function unsupported({ fault, feature, method, option, platform, protocol }: ErrorContext): string {
  if (feature !== undefined)
    return 'Topics need a session with a gemsocket server that has them. Set the option session of the client to session(), and use a server of this version or later.';
  if (protocol !== undefined) {
    const selected = protocol === '' ? 'selected no subprotocol' : `selected the subprotocol ${protocol}`;
    const answer = fault === undefined ? selected : `selected ${protocol}, but sent ${fault}`;
    return `This server does not speak gem.1: it ${answer}. Leave the option session out, or run a gemsocket server at this address.`;
  }
  if (method !== undefined)
    return `${method}() works in Node only: this runtime has no process signals. Call close() at the end of the program.`;
  if (option === 'transport')
    return "This runtime has no WebSocketStream; only Chromium has it. Leave the option transport out where 'WebSocketStream' in globalThis is false.";
  if (option !== undefined)
    return platform === undefined
      ? `The option ${option} is not available yet. Leave it out.`
      : `The option ${option} does not exist on the platform ${platform}. Leave it out.`;
  return platform === 'browser'
    ? 'This browser has no WebSocket.'
    : 'This runtime has no global WebSocket. Use a runtime that has it, or in Node import gemsocket under its node condition.';
}

function boundOf(limit: unknown): string {
  return limit === undefined ? 'maxMessageBytes' : `maxMessageBytes (${limit})`;
}

function textOf(cause: unknown): string {
  return cause instanceof Error ? cause.message : typeof cause === 'string' ? cause : 'see cause';
}
