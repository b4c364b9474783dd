/** The part of IRC that a chat game needs (RFC 1459, 2812), over any gemsocket client. */

/**
 * @typedef {object} IrcLine
 * @property {string} nick who sent it; '' for the server itself
 * @property {string} command 'PRIVMSG', 'PING', '433', …
 * @property {string[]} params the last one may hold spaces
 */

/**
 * `[@tags] [:prefix] COMMAND params [:last param]`; undefined for what is no IRC line.
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
 * Cuts what arrives into lines. Some servers send one line in each message and no line end (IRCv3, InspIRCd), some
 * send several with line ends (Twitch), and a relay of raw bytes may cut anywhere. So: until a line end was seen,
 * each message is a line; from then on only a line end ends one.
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

/** RFC 1459 has 512 bytes, IRCv3 tags 8191 more. What is longer is no IRC, and must not fill our memory. */
const MAX_LINE_LENGTH = 16_384;

/** "Nickname is already in use", and its two relatives (RFC 2812, 5.2). */
const NICK_TAKEN = ['432', '433', '436'];
const WELCOME = '001';

/**
 * Joins a channel, and joins it again after every reconnect. Only what it hears is told; a line that it does not
 * understand is passed over.
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
