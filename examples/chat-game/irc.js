/** The part of IRC that a chat game needs (RFC 1459, 2812), over any gemsocket client. */

/**
 * @typedef {object} IrcLine
 * @property {string} nick the sender; '' for the server itself
 * @property {string} command 'PRIVMSG', 'PING', '433', …
 * @property {string[]} params the last one may contain spaces
 */

/**
 * `[@tags] [:prefix] COMMAND params [:last param]`; undefined for text that is not an IRC line.
 * @param {string} text
 * @returns {IrcLine | undefined}
 */
export function parseLine(text) {
  const match = /^(?:@\S+ +)?(?::(\S+) +)?([A-Za-z]+|\d{3})(?: +(.*))?$/s.exec(text);
  if (match === null) return undefined;
  const [, prefix = '', command = '', rest = ''] = match;
  const [, middle = '', last] = /^((?!:).*?)?(?:(?:^| +):(.*))?$/s.exec(rest) ?? [];
  const params = middle.split(' ').filter((param) => param !== '');
  if (last !== undefined) params.push(last);
  return { nick: prefix.replace(/[!@].*$/s, ''), command: command.toUpperCase(), params };
}

/**
 * Splits messages into lines. Some servers send one line per message without a line end (IRCv3, InspIRCd), some send
 * several with line ends (Twitch), and a relay of raw bytes may split anywhere. So each message is a line until the first
 * line end; after that, only a line end ends a line.
 */
export class LineReader {
  #rest = '';
  #hasLineEnds = false;
  #decoder = new TextDecoder();

  /**
   * @param {string | Uint8Array} message
   * @returns {string[]}
   */
  push(message) {
    this.#rest += typeof message === 'string' ? message : this.#decoder.decode(message, { stream: true });
    this.#hasLineEnds ||= this.#rest.includes('\n');
    const lines = this.#rest.split(/\r?\n/);
    this.#rest = this.#hasLineEnds ? (lines.pop() ?? '') : '';
    if (this.#rest.length > MAX_LINE_LENGTH) this.#rest = '';
    return lines.filter((line) => line !== '');
  }
}

/** RFC 1459 allows 512 bytes, IRCv3 tags 8191 more. A longer line is not IRC, and must not fill our memory. */
const MAX_LINE_LENGTH = 16_384;

/** "Nickname is already in use", and its two relatives (RFC 2812, 5.2). */
const NICK_TAKEN = ['432', '433', '436'];
const WELCOME = '001';

/**
 * Joins a channel, and joins it again after every reconnect. Reports joins and messages, and ignores all other lines.
 *
 * @param {import('gemsocket').IWebsocketClient} client
 * @param {{ nick: string, channel: string, onSay: (nick: string, text: string) => void, onJoined: (nick: string) => void }} options
 * @returns {{ say: (text: string) => void }}
 */
export function joinChat(client, { nick, channel, onSay, onJoined }) {
  let lines = new LineReader();
  let attempt = 0;
  const current = () => (attempt === 0 ? nick : `${nick}${attempt + 1}`);
  /** @param {string} text */
  const send = (text) => {
    if (client.isConnectionOpen()) client.sendMessage(text);
  };
  const register = () => {
    lines = new LineReader();
    send(`NICK ${current()}`);
    send(`USER ${nick} 0 * :${nick}`);
  };

  /** @param {IrcLine} line */
  const react = ({ nick: from, command, params }) => {
    if (command === 'PING') send(`PONG :${params.at(-1) ?? ''}`);
    else if (NICK_TAKEN.includes(command)) {
      attempt += 1;
      send(`NICK ${current()}`);
    } else if (command === WELCOME) send(`JOIN ${channel}`);
    else if (command === 'JOIN' && from === current()) onJoined(from);
    else if (command === 'PRIVMSG' && params[0]?.toLowerCase() === channel.toLowerCase()) onSay(from, params[1] ?? '');
  };

  client.on('message', (message) => {
    for (const text of lines.push(message)) {
      const line = parseLine(text);
      if (line !== undefined) react(line);
    }
  });
  client.on('reconnected', register);
  if (client.isConnectionOpen()) register();
  else client.on('open', register);
  return { say: (text) => send(`PRIVMSG ${channel} :${text.replace(/[\r\n]+/g, ' ')}`) };
}
