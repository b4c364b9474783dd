/** What to do about a network failure, by HTTP status or by the code of the system or of Node. */
export type Advice = Readonly<Record<string | number, string>>;

export function adviceOn(failure: unknown, advice: Advice): string {
  return advice[String(failure)] ?? (advice.other as string);
}

/** Where the handshake was answered with an HTTP status instead of 101. */
export const statusAdvice: Advice = {
  200: 'That is a web page: check the path, and that the proxy in between forwards the Upgrade header.',
  400: 'The server found the handshake malformed: check that the proxy in between forwards the Upgrade and Connection headers.',
  401: 'The server does not know this user: send fresh credentials, in a header (node.headers) or the address.',
  403: 'The server does not allow this user or Origin: check the permissions, and the option origins of a gemsocket server.',
  404: 'No WebSocket server has this path: check the path of the address, and the option path of a gemsocket server.',
  407: 'The proxy requires credentials: give them to the agent in the option node.',
  426: 'The server requires another protocol version, or the proxy in between removed the Upgrade header: check the proxy.',
  429: 'There are too many connections or attempts from here: wait, or raise the limit on the server.',
  500: 'The server failed: see its log.',
  502: 'The proxy cannot reach the server behind it: is that server running?',
  503: 'The server is full or closing: try again later, or raise maxClients there.',
  504: 'The server behind the proxy does not answer: is it running?',
  other: 'Check the path, the server and the proxy in between.',
};

export const redirectAdvice = 'Redirects are not followed: use the address that it leads to.';

const unresolved = 'The host name does not resolve: is it spelled right, and is the network up?';
const untrusted = 'Its certificate is not trusted: pass the certificate authority that signed it as node.ca.';
const noTls = 'The server does not speak TLS there: is the port right, or is type insecure meant?';
const unroutable = 'There is no route to the host: check the address, the network, and firewalls in between.';

/** Where no connection was established. */
export const dialAdvice: Advice = {
  CERT_HAS_EXPIRED: 'Its certificate has expired: renew it on the server, and check the clock here.',
  DEPTH_ZERO_SELF_SIGNED_CERT: untrusted,
  EAI_AGAIN: unresolved,
  ECONNREFUSED: 'No server listens there: is the server running, and is the port right?',
  ECONNRESET: 'The server ended the connection during the handshake: does it expect TLS (type secure), or speak HTTP at all?',
  EHOSTUNREACH: unroutable,
  ENETUNREACH: unroutable,
  ENOTFOUND: unresolved,
  EPROTO: noTls,
  ERR_SSL_PACKET_LENGTH_TOO_LONG: noTls,
  ERR_SSL_WRONG_VERSION_NUMBER: noTls,
  ERR_TLS_CERT_ALTNAME_INVALID: 'Its certificate is for another host: connect to a name that the certificate contains.',
  ETIMEDOUT: unroutable,
  HPE_INVALID_CONSTANT: 'The server does not speak HTTP there: is the port right?',
  SELF_SIGNED_CERT_IN_CHAIN: untrusted,
  UNABLE_TO_VERIFY_LEAF_SIGNATURE: untrusted,
  other: 'Check the address, the network and the server.',
};

const unresolvedHost = "The host name does not resolve: try 'localhost', or '0.0.0.0' for all interfaces.";

/** Where a server could not listen. */
export const listenAdvice: Advice = {
  EACCES: 'Ports under 1024 require a privilege: use a higher one.',
  EADDRINUSE: 'Another process has the port: stop it, or use another port; port 0 is any that is free.',
  EADDRNOTAVAIL: "No interface of this machine has that address: try 'localhost', or '0.0.0.0' for all interfaces.",
  EAI_AGAIN: unresolvedHost,
  ENOTFOUND: unresolvedHost,
  ERR_SOCKET_BAD_PORT: 'A port is a whole number from 0 to 65535.',
  other: 'Check the host and the port.',
};
