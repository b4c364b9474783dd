import { encodePosition, MINERALS, TICK_MS } from '/shared/arena.js';
import { byId } from '../dom.js';
import { drawInSight } from '../sight.js';
import { ArenaConnection } from './connection.js';
import { Effects } from './effects.js';
import { Painter } from './painter.js';
import { Players } from './presence.js';
import { Identity, Roster } from './roster.js';
import { Steering } from './steering.js';
import { World } from './world.js';

/** Above this distance, the page adopts the server's position. */
const MAX_DISAGREEMENT = 220;
/** After a longer pause the gem continues from its position instead of jumping. */
const MAX_FRAME_MS = 100;
/** Out of view there are no frames, but the page still has to read: unread messages would fill the inbox. */
const UNSEEN_POLL_MS = 1_000;
const WINNER_MS = 6_000;

/** Starts the arena, and returns its connection. */
export function startArena(bus) {
  const connection = new ArenaConnection(bus);
  new Game(connection).start();
  return connection;
}

class Game {
  #connection;
  #field = byId('field');
  #world = new World((news, player) => this.#show(news, player));
  #painter = new Painter(byId('field-canvas'));
  #steering = new Steering(this.#field, this.#painter.toField);
  #effects = new Effects();
  #roster = new Roster();
  #identity = new Identity(() => this.#rename());
  #players;
  #own;
  #turns = new Map();
  #lastFrame = performance.now();
  #lastSent = 0;

  constructor(connection) {
    this.#connection = connection;
    this.#players = new Players(connection, () => this.#showStanding());
  }

  start() {
    const hello = () => this.#hello();
    this.#connection.on('open', hello);
    // A session that is resumed has kept its player.
    this.#connection.on('reconnected', ({ resumed }) => resumed || hello());
    if (this.#connection.state === 'open') hello();
    drawInSight(this.#field, (now) => this.#frame(now));
    setInterval(() => this.#pollUnseen(performance.now()), UNSEEN_POLL_MS);
    setInterval(() => this.#showRound(), 500);
    addEventListener('hashchange', () => this.#focusOnArrival());
  }

  /** A visitor who navigates to the arena can steer at once. It waits one frame, because the browser moves the focus, too. */
  #focusOnArrival() {
    if (location.hash === '#arena') requestAnimationFrame(() => this.#field.focus({ preventScroll: true }));
  }

  #hello() {
    const { name, mineral, token } = this.#identity;
    this.#connection.say({ type: 'hello', name, mineral, token });
  }

  #rename() {
    const { name, mineral } = this.#identity;
    this.#connection.say({ type: 'name', name, mineral });
  }

  #frame(now) {
    this.#poll(now);
    const seconds = Math.min(MAX_FRAME_MS, now - this.#lastFrame) / 1000;
    this.#lastFrame = now;
    const isAway = this.#connection.state !== 'open';
    if (this.#own !== undefined) this.#steering.move(this.#own, seconds);
    this.#sendPosition(now);
    const gems = this.#gems(now, seconds);
    this.#effects.advance(new Map(gems.map(({ player, at }) => [player.id, at])), now);
    this.#painter.draw({ gems, sparkles: this.#world.sparkles, effects: this.#effects, own: this.#own, isAway }, now);
  }

  /** Not every browser reports a covered page, so this checks for missing frames. */
  #pollUnseen(now) {
    if (now - this.#lastFrame <= UNSEEN_POLL_MS) return;
    this.#poll(now);
    this.#sendPosition(now); // the server may lack the last position if the page was covered while the gem moved
  }

  #poll(now) {
    this.#connection.poll((message) => this.#world.take(message, now));
    const onServer = this.#world.ownOnServer;
    if (this.#own === undefined || onServer === undefined) return;
    if (Math.hypot(onServer.x - this.#own.x, onServer.y - this.#own.y) > MAX_DISAGREEMENT) this.#own = { ...onServer };
  }

  /** Sends once per server tick while the position changes. */
  #sendPosition(now) {
    if (this.#own === undefined || now - this.#lastSent < TICK_MS * 0.9) return;
    const onServer = this.#world.ownOnServer;
    const isThere = onServer !== undefined && Math.hypot(onServer.x - this.#own.x, onServer.y - this.#own.y) < 1;
    if (isThere && !this.#steering.isSteering) return;
    this.#lastSent = now;
    this.#connection.sendPosition(encodePosition(this.#own));
  }

  /** All players with a position; the own gem last, on top, at its local position. */
  #gems(now, seconds) {
    const positions = this.#world.positions(now);
    const gems = [];
    for (const [id, player] of this.#world.players) {
      const at = id === this.#world.id ? this.#own : positions.get(id);
      if (at !== undefined) gems.push({ player, at, turn: this.#turn(id, at, seconds), isAway: this.#players.away.has(id) });
    }
    return gems.sort((a, b) => Number(a.at === this.#own) - Number(b.at === this.#own));
  }

  /** A stone leans in the direction of its motion, which changes the light on its facets. */
  #turn(id, at, seconds) {
    const before = this.#turns.get(id) ?? { x: at.x, turn: 0 };
    const lean = seconds > 0 ? Math.max(-1, Math.min(1, (at.x - before.x) / seconds / 460)) * 0.3 : 0;
    const turn = before.turn + (lean - before.turn) * Math.min(1, seconds * 8);
    this.#turns.set(id, { x: at.x, turn });
    return turn;
  }

  #show(news, player) {
    switch (news.type) {
      case 'welcome':
        this.#own = { ...news.at };
        this.#identity.token = news.token;
        this.#identity.adopt(this.#world.me.mineral);
        void this.#players.welcomed(news.id);
        break;
      case 'joined':
        this.#roster.tell(`${news.player.name} joined`, news.player);
        break;
      case 'left':
        this.#turns.delete(news.id);
        if (player !== undefined) this.#roster.tell(`${player.name} left`, player);
        break;
      case 'renamed':
        if (player.name !== news.player.name) this.#roster.tell(`${player.name} is now ${news.player.name}`, news.player);
        break;
      case 'scored':
        this.#celebrate(news, player);
        break;
      case 'round':
        this.#showWinner(news.winner);
        break;
    }
    if (news.type !== 'pong') this.#showStanding();
  }

  #celebrate({ id }, player) {
    const isOwn = id === this.#world.id;
    const at = isOwn ? this.#own : this.#world.positions(performance.now()).get(id);
    if (at === undefined || player === undefined) return;
    const { hue } = MINERALS.find((mineral) => mineral.id === player.mineral);
    this.#effects.burst({ x: at.x, y: at.y }, hue, performance.now(), isOwn ? '+1' : undefined);
  }

  #showStanding() {
    this.#roster.showPlayers(this.#world, this.#players);
    byId('score').textContent = String(this.#world.me?.score ?? 0);
  }

  #showRound() {
    const seconds = Math.max(0, Math.round((this.#world.roundEndsAt - performance.now()) / 1000));
    if (this.#connection.state !== 'open') return;
    byId('round').textContent = `${Math.floor(seconds / 60)}:${String(seconds % 60).padStart(2, '0')}`;
  }

  #showWinner({ id, name, score }) {
    const text = id === this.#world.id ? `You won the round with ${score}` : `${name} won the round with ${score}`;
    this.#roster.tell(text, this.#world.players.get(id));
    const winner = byId('winner');
    winner.textContent = text;
    winner.hidden = false;
    setTimeout(() => {
      winner.hidden = true;
    }, WINNER_MS);
  }
}
