// A game controlled by a chat: node main.js [address] [channel]
// Write !left, !right, !up or !down in the channel. Works with any IRC server that speaks WebSocket, including Twitch:
//   node main.js wss://irc-ws.chat.twitch.tv '#somechannel'

import { WebsocketClient } from 'gemsocket';
import { draw, endRound, newGame, vote } from './game.js';
import { joinChat } from './irc.js';

const address = process.argv[2] ?? 'ws://127.0.0.1:8067';
const channel = process.argv[3] ?? '#gem';
const roundMs = Number(process.env.ROUND_MS ?? 2000);
const nick = address.includes('twitch.tv') ? `justinfan${Math.floor(Math.random() * 90_000) + 10_000}` : 'gemgame';

const game = newGame();
const client = new WebsocketClient(address, {
  // InspIRCd refuses a handshake without an Origin; Node sends none by default.
  node: { headers: { Origin: 'http://localhost' } },
});

const chat = joinChat(client, {
  nick,
  channel,
  onJoined: (name) => show(`${name} has joined ${channel}`),
  onSay: (from, text) => {
    if (vote(game, from, text)) show(`${from} votes ${text.trim()}`);
  },
});
client.on('reconnecting', ({ attempt, delayMs }) => show(`chat lost, attempt ${attempt} in ${delayMs} ms`));

setInterval(() => {
  const result = endRound(game, Math.random);
  if (result === undefined) return;
  const news = `moved ${result.move} (votes: ${result.votes}) to ${game.piece.x},${game.piece.y}, score ${game.score}`;
  show(news);
  chat.say(news);
}, roundMs);

process.once('SIGINT', () => {
  client.close(1000, 'game over').then(() => process.exit());
});

await client.connect().catch((error) => {
  console.error(error.message);
  process.exit(1);
});

/** Prints the whole field on a terminal, and only the news elsewhere.
 * @param {string} news */
function show(news) {
  if (process.stdout.isTTY) console.log(`\x1b[2J\x1b[H${draw(game)}\n\n!left !right !up !down\nscore ${game.score}   ${news}`);
  else console.log(news);
}
