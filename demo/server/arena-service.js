import { randomUUID } from 'node:crypto';
import { decodePosition, encodeSnapshot, TICK_MS } from '../shared/arena.js';
import { Arena } from './arena.js';
import { headline } from './headlines.js';

/** The longest sensible message is a greeting of about 150 bytes. */
const MAX_TEXT_LENGTH = 512;
const GREETING_TIMEOUT_MS = 5_000;
const RENAME_INTERVAL_MS = 250;
/** Up to this number, the arena ignores invalid messages. */
const MAX_NONSENSE = 20;

/**
 * Gives the server's clients a seat in the arena, and reads their messages. Its players are the members of a room, which gets the
 * positions and the news.
 */
export class ArenaService {
  #seats = new Set();
  #arena = new Arena((news) => this.#tellAll(news));
  #room;
  #publish;
  #ticker;
  #stoppedAt;

  /** `publish` takes a line of text for each event of the game. */
  constructor(publish) {
    this.#publish = publish;
  }

  start(room) {
    this.#room = room;
    if (this.#stoppedAt !== undefined) this.#arena.pausedFor(Date.now() - this.#stoppedAt);
    this.#ticker = setInterval(() => this.#tick(), TICK_MS);
  }

  stop() {
    clearInterval(this.#ticker);
    this.#stoppedAt = Date.now();
  }

  welcome(client) {
    const seat = { client, player: undefined, token: undefined, nonsense: 0, wish: undefined, renamedAt: 0, isAway: false };
    const timer = setTimeout(() => seat.player ?? client.close(4008, 'Say hello first'), GREETING_TIMEOUT_MS);
    this.#seats.add(seat);
    client.on('message', (message) => this.#hear(seat, message));
    client.on('away', () => {
      seat.isAway = true;
    });
    client.on('back', () => {
      seat.isAway = false;
      tell(seat, { type: 'time', roundMs: this.#arena.roundMs });
    });
    client.on('close', () => {
      clearTimeout(timer);
      this.#release(seat);
    });
  }

  #release(seat) {
    if (this.#seats.delete(seat) && seat.player) this.#arena.leave(seat.player, seat.token);
  }

  #hear(seat, message) {
    const isGood = typeof message === 'string' ? this.#hearText(seat, message) : this.#hearPosition(seat, message);
    if (isGood) return;
    seat.nonsense += 1;
    if (seat.nonsense > MAX_NONSENSE) void seat.client.close(1008, 'Too many messages that the arena does not understand');
  }

  #hearText(seat, text) {
    const said = parse(text);
    switch (said?.type) {
      case 'hello':
        return this.#greet(seat, said);
      case 'name':
        return this.#rename(seat, said);
      case 'ping':
        if (!Number.isFinite(said.at)) return false;
        tell(seat, { type: 'pong', at: said.at });
        return true;
      default:
        return false;
    }
  }

  #hearPosition({ player }, bytes) {
    const position = decodePosition(bytes);
    if (position === undefined || player === undefined) return false;
    this.#arena.move(player, position);
    return true;
  }

  #greet(seat, { name, mineral, token }) {
    if (seat.player !== undefined || typeof name !== 'string') return false;
    seat.token = isToken(token) && this.#takeOver(token) ? token : randomUUID();
    const picture = this.#arena.picture();
    seat.player = this.#arena.join({ name, mineral, token: seat.token });
    const { id, x, y, score } = seat.player;
    const me = { id, name: seat.player.name, mineral: seat.player.mineral, score, isBot: false };
    tell(seat, { type: 'welcome', id, at: { x, y }, token: seat.token, ...picture, players: [...picture.players, me] });
    this.#room.add(seat.client);
    return true;
  }

  /** Ends the seat of a page that is away and was loaded again. Returns false if the token belongs to a page that is connected. */
  #takeOver(token) {
    const other = [...this.#seats].find((seat) => seat.token === token);
    if (other === undefined) return true;
    if (!other.isAway) return false;
    this.#release(other);
    void other.client.close(4408, 'The page was loaded again');
    return true;
  }

  #rename(seat, { name, mineral }) {
    if (seat.player === undefined || typeof name !== 'string') return false;
    seat.wish = { name, mineral };
    return true;
  }

  /** Limits the rate of renaming, because every player is notified. A later wish replaces an earlier one. */
  #grantWish(seat) {
    const now = Date.now();
    if (seat.wish === undefined || now - seat.renamedAt < RENAME_INTERVAL_MS) return;
    this.#arena.rename(seat.player, seat.wish);
    seat.renamedAt = now;
    seat.wish = undefined;
  }

  /** A player that reads slowly gets the latest positions only: they replace those that are still queued for it. */
  #tick() {
    this.#arena.advance();
    for (const seat of this.#seats) this.#grantWish(seat);
    const snapshot = encodeSnapshot(this.#arena.tick, [...this.#arena.players.values()]);
    this.#room.sendMessageBinary(snapshot, { latest: 'state' });
  }

  #tellAll(news) {
    this.#room.sendMessage(JSON.stringify(news));
    const line = headline(news, this.#arena.players);
    if (line !== undefined) this.#publish(line);
  }
}

function tell({ client }, news) {
  if (client.state === 'open' || client.state === 'reconnecting') client.sendMessage(JSON.stringify(news));
}

function parse(text) {
  if (text.length > MAX_TEXT_LENGTH) return undefined;
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

function isToken(token) {
  return typeof token === 'string' && token.length <= 64;
}
