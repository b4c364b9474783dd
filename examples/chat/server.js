// A chat with rooms, history and presence on Express: node server.js [port], then open http://localhost:8091/?name=Ada

import { fileURLToPath } from 'node:url';
import express from 'express';
import { attach } from 'gemsocket/server';

const ROOMS = ['lobby', 'games', 'music'];

/** A real application reads the user from its session cookie. */
const userOf = (/** @type {string} */ url) => new URL(url, 'http://here').searchParams.get('name') || undefined;

const app = express();
app.use('/gemsocket', express.static(fileURLToPath(new URL('../../dist', import.meta.url))));
app.use(express.static(fileURLToPath(new URL('public', import.meta.url))));
const httpServer = app.listen(Number(process.argv[2] ?? 8091), 'localhost', () => {
  const address = /** @type {import('node:net').AddressInfo} */ (httpServer.address());
  console.log(`listening on http://localhost:${address.port}`);
});

const chat = attach(httpServer, {
  path: '/chat',
  authenticate: ({ url = '' }) => userOf(url),
  userKey: String,
  // Each room is a topic: its history and its members are there for everybody who has a name.
  authorize: (_client, _action, topic) => ROOMS.includes(topic),
  topics: { historyMessages: 100, maxMessageBytes: 2_000 },
});

// "Is typing" concerns those who are connected now, so it goes to a room of the server and is in no history.
chat.on('connection', (client) => {
  client.on('message', (message) => {
    const [action, name = ''] = String(message).split(' ');
    if (!ROOMS.includes(name)) return;
    if (action === 'enter') chat.room(name).add(client);
    if (action === 'leave') chat.room(name).remove(client);
    if (action === 'typing' && chat.room(name).has(client)) {
      chat.room(name).sendMessage(`${client.user} is typing`, 'volatile', { except: client });
    }
  });
});
