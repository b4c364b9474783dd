import { say } from './say.js';

type Library = typeof import('../../../src/entry/node.js');

/** Two builds of the library in one process, each with its own connections. */
const [, , address = '', firstFile = '', secondFile = ''] = process.argv;
const first = (await import(firstFile)) as Library;
const second = (await import(secondFile)) as Library;

const before = process.listenerCount('exit');
const clients = await Promise.all([first, second].map((library) => library.connect(address, { type: 'insecure' })));
for (const client of clients) {
  client.sendMessage('hello');
  for await (const message of client) {
    if (message !== 'hello') throw new Error('that is not the echo');
    break;
  }
}
const whileOpen = process.listenerCount('exit') - before;
await clients[0]?.close();
const whileOneIsOpen = process.listenerCount('exit') - before;
const error: unknown = await second.connect('ws://127.0.0.1:1').catch((reason: unknown) => reason);
await say('done', {
  areTwo: first.WebsocketError !== second.WebsocketError,
  belongsToItsOwn: error instanceof second.WebsocketError && !(error instanceof first.WebsocketError),
  exitListeners: [whileOpen, whileOneIsOpen],
});
// The second build's client is open and must send a close frame on exit.
process.exit(0);
