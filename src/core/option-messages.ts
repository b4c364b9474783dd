import { MAX_TIMER_MS } from './clock.js';

type Facts = Readonly<Record<string, unknown>>;

/** The sentence of an option or an argument that does not exist, or that cannot have this value. */
export function invalidOption({ option, value, known, min, max, expected }: Facts, cause: unknown): string {
  const name = String(option);
  if (Array.isArray(known)) return unknownName(name, value, known as string[]);
  const rule = ruleOf(name, expected) ?? numberRule(min, max ?? (name.endsWith('Ms') ? MAX_TIMER_MS : undefined));
  return `The ${ARGUMENTS.includes(name) ? 'argument' : 'option'} ${name} must be ${rule}.${cause === undefined ? '' : ' See cause.'}`;
}

function unknownName(option: string, value: unknown, known: readonly string[]): string {
  const isEvent = option === 'event';
  const name = isEvent ? (typeof value === 'string' ? value : '') : (option.split('.').at(-1) as string);
  const near = known.filter((other) => other.startsWith(name.slice(0, 3)));
  const names = near.length > 0 ? near : known;
  return `The ${isEvent ? 'event' : 'option'} ${isEvent ? name : option} does not exist. Did you mean ${names.join(', ')}?`;
}

function numberRule(min: unknown, max: unknown): string {
  if (min === undefined) return `a number over 0${max === undefined ? '' : ` and at most ${max}`}`;
  return max === undefined ? `a number of at least ${min}` : `a number from ${min} to ${max}`;
}

const ARGUMENTS = [
  'client',
  'data',
  'delivery',
  'event',
  'host',
  'httpServer',
  'key',
  'listener',
  'name',
  'options',
  'port',
  'signals',
  'topic',
];

const A_FUNCTION = 'a function';
const AN_OBJECT = 'an object';

/** By option or argument; those that are not here are numbers. */
const RULES: Readonly<Record<string, string>> = {
  authenticate: A_FUNCTION,
  authorize: A_FUNCTION,
  backplane: 'what redis() of "gemsocket/redis" returns',
  client: 'a client',
  data: 'a value that JSON.stringify() takes',
  delivery: "'reliable', 'volatile' or { latest }",
  except: 'a client of a server',
  host: "a name or an address: 'localhost', or '0.0.0.0' for all interfaces",
  hosts: "'*' or a list of host names without scheme and port: ['example.com']",
  httpServer: 'the http.Server that createServer() or app.listen() returned; listen() takes a port instead',
  inbox: 'an object: { maxMessages, maxBytes }',
  key: 'a string',
  listener: A_FUNCTION,
  liveness: 'an object or false',
  local: 'true or false',
  name: 'a string',
  node: AN_OBJECT,
  observe: 'true or false; a presence with observe: true has no data to update',
  onMessage: A_FUNCTION,
  options: AN_OBJECT,
  from: "'now', 'oldest' or the position of a message",
  topic: 'a text of 1 to 255 bytes of UTF-8 without control characters and lone surrogates',
  topics: AN_OBJECT,
  'topics.of': 'a function, or an object of options that it returns',
  outbox: AN_OBJECT,
  path: "a path that begins with '/' and has no query: '/game'",
  port: 'a whole number from 0 to 65535; 0 is any port that is free',
  protocols:
    'a list of names without spaces and commas, each once; with a session at most 32 of at most 255 characters, gem.1 not among them',
  rateLimit: 'an object: { messagesPerSecond, burst }',
  reconnect: 'an object or false',
  retryFirstAttempt: 'true or false',
  session: 'what session() returns, which takes an object of options; of a server, an object of options or false',
  'session.isSameUser': A_FUNCTION,
  shared: AN_OBJECT,
  'shared.key': 'a string that is not empty',
  'shared.worker': 'an address or a function that makes the worker',
  signal: 'an AbortSignal',
  signals: "a list of signals that a process can handle: ['SIGINT', 'SIGTERM']",
  tls: '{ key, cert }, a private key and its certificate as PEM, and is for listen() only: give attach() an https.Server',
  transport: 'what webSocketStream() returns',
  type: "'secure' or 'insecure'",
  userKey: A_FUNCTION,
};

function ruleOf(option: string, expected: unknown): string | undefined {
  if (option === 'origins') return `'*' or a list of origins as browsers send them: ['${expected ?? 'https://example.com'}']`;
  return RULES[option];
}
