import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { connect } from 'gemsocket';
import { describe, expect, onTestFinished, test } from 'vitest';
import { draw, endRound, newGame, vote } from '../../examples/chat-game/game.js';
import { joinChat, LineReader, parseLine } from '../../examples/chat-game/irc.js';
import { describeWith } from '../support/needs.js';
import { freePort, type Program, run, runNode } from './program.js';

describe('the rules of the chat game', () => {
  test('move the piece in the direction with the most votes, and count one vote per chatter', () => {
    const game = newGame(5, 5);
    vote(game, 'ann', '!up');
    vote(game, 'bob', '!left');
    vote(game, 'ann', ' !LEFT please');
    vote(game, 'cid', '!down');
    expect(vote(game, 'dan', 'left')).toBe(false);
    expect(endRound(game, () => 0)).toEqual({ move: 'left', votes: 2 });
    expect(game.piece).toEqual({ x: 1, y: 2 });
    expect(endRound(game, () => 0)).toBeUndefined();
  });

  test('keep the piece on the field and count collected gems', () => {
    const game = newGame(3, 1);
    game.gem = { x: 2, y: 0 };
    for (let round = 0; round < 3; round++) {
      vote(game, 'ann', '!right');
      endRound(game, () => 0);
    }
    expect(game.score).toBe(1);
    expect(draw(game)).toBe('* . @');
  });
});

describe('IRC lines', () => {
  test.each([
    ['PING :irc.example', { nick: '', command: 'PING', params: ['irc.example'] }],
    [':ann!a@host PRIVMSG #gem :!left now', { nick: 'ann', command: 'PRIVMSG', params: ['#gem', '!left now'] }],
    ['@badge=1;x= :ann!a@b privmsg #gem :a :b', { nick: 'ann', command: 'PRIVMSG', params: ['#gem', 'a :b'] }],
    [':irc.example 433 * gem :in use', { nick: 'irc.example', command: '433', params: ['*', 'gem', 'in use'] }],
    [':ann!a@b JOIN #gem', { nick: 'ann', command: 'JOIN', params: ['#gem'] }],
    [':ann JOIN', { nick: 'ann', command: 'JOIN', params: [] }],
    ['PRIVMSG #gem :', { nick: '', command: 'PRIVMSG', params: ['#gem', ''] }],
  ])('%s', (line, parsed) => {
    expect(parseLine(line)).toEqual(parsed);
  });

  test.each(['', ':', ' ', ':only-a-prefix', '\u0000', '12 x'])('%j is no IRC line', (line) => {
    expect(parseLine(line)).toBeUndefined();
  });

  test('without line endings each message is a line', () => {
    const reader = new LineReader();
    expect(reader.push('PING :1')).toEqual(['PING :1']);
    expect(reader.push('PING :2')).toEqual(['PING :2']);
  });

  test('with line endings a message may hold several lines and a part of the next', () => {
    const reader = new LineReader();
    expect(reader.push('PING :1\r\nPING :2\r\nPI')).toEqual(['PING :1', 'PING :2']);
    expect(reader.push('NG')).toEqual([]);
    expect(reader.push(' :3\r')).toEqual([]);
    expect(reader.push('\n')).toEqual(['PING :3']);
  });

  test('a character that a byte stream splits in two is one character', () => {
    const reader = new LineReader();
    const bytes = new TextEncoder().encode('PING :1\r\nPING :ü\r\n');
    const cut = bytes.indexOf(0xc3) + 1;
    expect(reader.push(bytes.subarray(0, cut))).toEqual(['PING :1']);
    expect(reader.push(bytes.subarray(cut))).toEqual(['PING :ü']);
  });
});

describeWith('inspircd', 'against InspIRCd', (inspircdPath) => {
  test('two chatters move the piece of a game whose name is already in use', async () => {
    const address = await startInspircd(inspircdPath);
    // A user already has the game's name.
    const squatter = await chatter(address, 'gemgame');
    const game = runNode('examples/chat-game/main.js', [address, '#gem'], { ROUND_MS: '200' });
    await game.printed(/gemgame2 has joined #gem/);

    const [ann, bob] = await Promise.all([chatter(address, 'ann'), chatter(address, 'bob')]);
    ann.say('hello!');
    ann.say('!right');
    bob.say('!right');
    await game.printed(/moved right .* to 8,3/);
    await game.printed(/ann votes !right/);
    await game.printed(/bob votes !right/);
    expect(game.output).not.toContain('hello');

    // The chatters receive the game's messages in the channel.
    await expect.poll(() => squatter.heard.some((line) => /^gemgame2: moved right/.test(line))).toBe(true);
    await game.stop('SIGINT');
  });

  test('a game that lost its server reconnects when the server is available again', async () => {
    const first = await freePort();
    const address = await startInspircd(inspircdPath, first);
    const game = runNode('examples/chat-game/main.js', [address, '#gem'], { ROUND_MS: '200' });
    await game.printed(/gemgame has joined #gem/);
    await inspircds.get(first)?.stop();
    await game.printed(/chat lost, attempt 1/);
    await startInspircd(inspircdPath, first);
    await game.printed(/gemgame has joined[\s\S]*chat lost[\s\S]*gemgame has joined/);
    const ann = await chatter(address, 'ann');
    ann.say('!up');
    await game.printed(/moved up \(votes: 1\) to 7,2/);
  });
});

const inspircds = new Map<number, Program>();

async function startInspircd(path: string, port?: number): Promise<string> {
  const chosen = port ?? (await freePort());
  const directory = await mkdtemp(join(tmpdir(), 'inspircd-'));
  onTestFinished(() => rm(directory, { recursive: true, force: true }));
  const config = await readFile('examples/chat-game/inspircd.conf', 'utf8');
  const file = join(directory, 'inspircd.conf');
  await writeFile(file, config.replace('value="8067"', `value="${chosen}"`));
  const inspircd = run(path, ['--runasroot', '--nofork', `--config=${file}`]);
  inspircds.set(chosen, inspircd);
  await inspircd.printed(/is now running/);
  return `ws://127.0.0.1:${chosen}`;
}

/** A user in #gem, who has joined when this resolves. */
async function chatter(address: string, nick: string) {
  const client = await connect(address, { type: 'insecure', node: { headers: { Origin: 'http://localhost' } } });
  onTestFinished(async () => {
    await client.close();
  });
  const heard: string[] = [];
  const chat = await new Promise<ReturnType<typeof joinChat>>((resolve) => {
    const joined = joinChat(client, {
      nick,
      channel: '#gem',
      onSay: (from, text) => heard.push(`${from}: ${text}`),
      onJoined: () => resolve(joined),
    });
  });
  return { ...chat, heard };
}
