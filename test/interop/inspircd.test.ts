import { expect, it } from 'vitest';
import { connect, type IWebsocketClient } from '../../src/entry/node.js';
import { describeWith } from '../support/needs.js';
import { freePort, startListening } from '../support/programs.js';
import { temporaryFolder } from './folder.js';

/** An IRC server that listens for WebSockets only. It selects no subprotocol and requires an Origin header. */
function configuration(port: number): string {
  return `
    <server name="irc.example" description="test" network="test" id="001">
    <admin name="test" nick="test" email="test@example">
    <module name="sha1">
    <module name="websocket">
    <bind address="127.0.0.1" port="${port}" type="clients" hook="websocket">
    <websocket defaultmode="text" proxyranges="">
    <wsorigin allow="*">
    <connect allow="*" resolvehostnames="no" useident="no" timeout="30" pingfreq="60" localmax="100" globalmax="100">
    <options defaultmodes="not" exemptchanops="">
    <log method="file" type="*" level="default" target="/dev/stderr">
  `;
}

/** Reads lines until one matches, and answers the server's pings. */
async function waitFor(client: IWebsocketClient, pattern: RegExp): Promise<string> {
  for await (const message of client) {
    const line = String(message);
    if (line.startsWith('PING')) client.sendMessage(line.replace('PING', 'PONG'));
    if (pattern.test(line)) return line;
  }
  throw new Error(`the server closed before it said ${pattern}`);
}

describeWith('inspircd', 'our client and InspIRCd', (program) => {
  it('lets our client register, join a channel and chat', async () => {
    await using folder = await temporaryFolder();
    const port = await freePort();
    const file = await folder.write('inspircd.conf', configuration(port));
    await using _ = await startListening(port, program, ['--runasroot', '--nofork', '--nopid', `--config=${file}`]);

    const register = async (nick: string) => {
      const client = await connect(`127.0.0.1:${port}`, {
        type: 'insecure',
        reconnect: false,
        node: { headers: { origin: 'http://game.example' } },
      });
      client.sendMessage(`NICK ${nick}`);
      client.sendMessage(`USER ${nick} 0 * :${nick}`);
      await waitFor(client, / 001 /);
      client.sendMessage('JOIN #gems');
      await waitFor(client, / 366 /);
      return client;
    };
    const ann = await register('ann');
    const bob = await register('bob');
    ann.sendMessage('PRIVMSG #gems :a gem for you: 💎');
    expect(await waitFor(bob, /PRIVMSG/)).toMatch(/^:ann!\S+ PRIVMSG #gems :a gem for you: 💎$/);
    bob.sendMessage('PRIVMSG ann :thank you');
    expect(await waitFor(ann, /PRIVMSG/)).toMatch(/^:bob!\S+ PRIVMSG ann :thank you$/);

    ann.sendMessage('QUIT :bye');
    expect(await waitFor(bob, /QUIT/)).toMatch(/^:ann!/);
    await Promise.all([ann.close(), bob.close()]);
  });
});
