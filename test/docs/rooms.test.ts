import { connect, type IWebsocketClient, type Message } from 'gemsocket';
import { session } from 'gemsocket/session';
import { describe, expect, test as it, onTestFinished } from 'vitest';
import { until } from '../support/until.js';
import { runProgramWith } from './programs.js';

/** A client, plain or with a session, and what it has received. */
async function joined(port: number, path: string, withSession = false): Promise<{ client: IWebsocketClient; received: Message[] }> {
  const options = withSession ? { session: session() } : {};
  const client = await connect(`ws://localhost:${port}${path}`, { type: 'insecure', ...options });
  onTestFinished(async () => void (await client.close()));
  const received: Message[] = [];
  client.on('message', (message) => received.push(message));
  return { client, received };
}

describe('the programs in docs/guides/rooms.md', () => {
  const run = (text: string) => runProgramWith('docs/guides/rooms.md', text);

  it('the first one sends the messages of a client to the others in its room', async () => {
    const { port } = await run("searchParams.get('room')");
    const one = await joined(port, '/?room=chess');
    await until(() => one.received.length === 1, 'the first is greeted');
    const two = await joined(port, '/?room=chess', true);
    const other = await joined(port, '/');
    await until(() => two.received.length === 1 && other.received.length === 1, 'the others are greeted');
    one.client.sendMessage('e4');
    await until(() => two.received.length === 2, 'the second gets the move');
    two.client.sendMessage('e5');
    await until(() => one.received.length === 2, 'the first gets the answer');
    expect(one.received).toEqual(['you are one of 1 in chess', 'e5']);
    expect(two.received).toEqual(['you are one of 2 in chess', 'e4']);
    expect(other.received).toEqual(['you are one of 1 in lobby']);
  });

  it('the game sends its state to every player, and forgets the players that leave', async () => {
    const { port } = await run('arena.on');
    const [one, two] = [await joined(port, '/', true), await joined(port, '/')];
    const states = () => one.received.map((text) => Object.values(JSON.parse(String(text))) as { x: number; y: number }[]);
    one.client.sendMessage('3,4');
    await until(() => two.received.some((text) => String(text).includes('{"x":3,"y":4}')), 'the second player sees the first');
    await until(() => states().at(-1)?.length === 2, 'the first player sees both');
    await two.client.close();
    await until(() => states().at(-1)?.length === 1, 'the state has no second player');
  });

  it('a client may ask for a room, with a name of letters and digits', async () => {
    const { port } = await run('write: join NAME');
    const { client, received } = await joined(port, '/');
    client.sendMessage('join __proto__');
    await until(() => received.length === 1, 'it is refused');
    expect(received).toEqual(['write: join NAME']);
  });
});

describe('the programs in docs/guides/from-socket-io.md', () => {
  const run = (text: string) => runProgramWith('docs/guides/from-socket-io.md', text);

  it('the server takes events by name, and refuses others', async () => {
    const { port } = await run('function dispatch');
    const [one, two] = [await joined(port, '/', true), await joined(port, '/')];
    for (const nonsense of ['hello', '["__proto__"]', '{}', 'null']) two.client.sendMessage(nonsense);
    await until(() => two.received.length === 4, 'the nonsense is refused');
    one.client.sendMessage('["chat","hello"]');
    await until(() => two.received.length === 5, 'the event arrives');
    expect(two.received).toEqual([...Array(4).fill('["error","unknown event"]'), '["chat","hello"]']);
    expect(one.received).toEqual([]);
  });
});
