import { CloseCode } from '../../core/close-codes.js';
import { WebsocketError } from '../../core/errors.js';

const REDIRECT = 'Redirects are not followed: write the address that it leads to.';

const ADVICE: Readonly<Record<number, string>> = {
  200: 'That is a web page: check the path, and that the proxy in between forwards the Upgrade header.',
  400: 'The handshake was found malformed: check that the proxy in between forwards the Upgrade and Connection headers.',
  401: 'It does not know who this is: send fresh credentials, in a header (node.headers) or the address.',
  403: 'It does not allow this user or Origin: check the permissions, and the option origins of a gemsocket server.',
  404: 'No WebSocket server has this path: check the path of the address, and the option path of a gemsocket server.',
  407: 'The proxy wants credentials: give them to the agent in the option node.',
  426: 'It wants another protocol version, or the proxy in between removed the Upgrade header: check the proxy.',
  429: 'There are too many connections or attempts from here: wait, or raise the limit on the server.',
  500: 'The server failed: its log says why.',
  502: 'The proxy cannot reach the server behind it: is that running?',
  503: 'The server is full or closing: try again later, or raise maxClients there.',
  504: 'The server behind the proxy does not answer: is it running?',
};

export function refused(address: string, status: number): WebsocketError {
  const hint = status >= 300 && status < 400 ? REDIRECT : (ADVICE[status] ?? 'Check the path, the server and the proxy in between.');
  return new WebsocketError('CONNECT_FAILED', `${address} answered the handshake with HTTP ${status} instead of 101. ${hint}`, {
    address,
    status,
  });
}

export function unreachable(address: string, cause: Error): WebsocketError {
  const systemCode = (cause as NodeJS.ErrnoException).code;
  const context = systemCode === undefined ? { address } : { address, systemCode };
  return new WebsocketError(
    'CONNECT_FAILED',
    `Could not connect to ${address}: ${systemCode ?? cause.message}. ${advice(systemCode)}`,
    context,
    cause,
  );
}

function advice(systemCode: string | undefined): string {
  switch (systemCode) {
    case 'ECONNREFUSED':
      return 'Nobody listens there: is the server running, and is the port right?';
    case 'ENOTFOUND':
    case 'EAI_AGAIN':
      return 'The host name does not resolve: is it spelled right, and is the network up?';
    case 'DEPTH_ZERO_SELF_SIGNED_CERT':
    case 'SELF_SIGNED_CERT_IN_CHAIN':
    case 'UNABLE_TO_VERIFY_LEAF_SIGNATURE':
      return 'Its certificate is not trusted: pass the authority that signed it as node.ca.';
    case 'ERR_TLS_CERT_ALTNAME_INVALID':
      return 'Its certificate is for another host: dial a name that the certificate has.';
    case 'CERT_HAS_EXPIRED':
      return 'Its certificate has expired: renew it on the server, and check the clock here.';
    case 'EPROTO':
    case 'ERR_SSL_WRONG_VERSION_NUMBER':
    case 'ERR_SSL_PACKET_LENGTH_TOO_LONG':
      return 'The server does not speak TLS there: is the port right, or is type insecure meant?';
    case 'ECONNRESET':
      return 'The server ended the connection during the handshake: does it expect TLS (type secure), or speak HTTP at all?';
    case 'ETIMEDOUT':
    case 'EHOSTUNREACH':
    case 'ENETUNREACH':
      return 'No way leads to the host: check the address, the network, and firewalls in between.';
    case 'HPE_INVALID_CONSTANT':
      return 'The server does not speak HTTP there: is the port right?';
    default:
      return 'Check the address, the network and the server.';
  }
}

/** The close codes that RFC 6455 (7.4.1) gives what ws reports; other errors are the socket's, and its close tells. */
const CODE_OF: Readonly<Record<string, number>> = {
  WS_ERR_INVALID_UTF8: CloseCode.invalidPayload,
  WS_ERR_UNSUPPORTED_MESSAGE_LENGTH: CloseCode.messageTooBig,
  WS_ERR_UNSUPPORTED_DATA_PAYLOAD_LENGTH: CloseCode.messageTooBig,
  WS_ERR_TOO_MANY_BUFFERED_PARTS: CloseCode.policyViolation,
};

/** Errors of zlib, where the application asked for compression: the message could not be inflated. */
const ZLIB = /^Z_/;

/** Pings are legal; so many of them, with no pong read, are an attack. */
export function pingFlood(): WebsocketError {
  const message = 'The peer sent a flood of pings and read no pong, so it was given up (1008). The fault is on its side.';
  return new WebsocketError('PROTOCOL_ERROR', message, { closeCode: CloseCode.policyViolation });
}

/**
 * How large the message is that ws refuses, as far as its frames have announced it. ws keeps that to itself; undefined where
 * another version has no such field, and of a compressed message, whose size nobody announces.
 */
export function refusedSize(ws: object, maxMessageBytes = 0): number | undefined {
  const size = (ws as { _receiver?: { _totalPayloadLength?: unknown } })._receiver?._totalPayloadLength;
  return typeof size === 'number' && size > maxMessageBytes ? size : undefined;
}

/** What the peer did against the protocol, with the code that ws has closed it with. */
export function protocolError(
  cause: Error,
  maxMessageBytes: number | undefined,
  size?: number,
): { code: number; error: WebsocketError } | undefined {
  const code = closeCodeFor((cause as NodeJS.ErrnoException).code ?? '');
  if (code === undefined) return undefined;
  const bound = maxMessageBytes === undefined ? 'maxMessageBytes' : `maxMessageBytes (${maxMessageBytes})`;
  if (code === CloseCode.messageTooBig) {
    const what = size === undefined ? 'a message' : `a message of ${size} bytes`;
    const message = `The peer sent ${what}, over ${bound}, and was closed with 1009. Raise the option if such messages are wanted.`;
    return { code, error: new WebsocketError('MESSAGE_TOO_BIG', message, { size, limit: maxMessageBytes, closeCode: code }, cause) };
  }
  const message =
    code === CloseCode.policyViolation
      ? `The peer sent a message in more pieces than ${bound} allows (${cause.message}) and was closed with 1008. It should send larger pieces; raising the option allows more of them.`
      : `The peer broke the WebSocket protocol (${cause.message}) and was closed with ${code}. The fault is on its side.`;
  return { code, error: new WebsocketError('PROTOCOL_ERROR', message, { closeCode: code }, cause) };
}

/** Undefined: the error is not about the protocol. */
function closeCodeFor(wsCode: string): number | undefined {
  if (ZLIB.test(wsCode)) return CloseCode.invalidPayload;
  return wsCode.startsWith('WS_ERR_') ? (CODE_OF[wsCode] ?? CloseCode.protocolError) : undefined;
}
