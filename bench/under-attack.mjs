/**
 * A server under attack, and the round trips of a good client meanwhile: server, attackers and client are three processes.
 * `node bench/under-attack.mjs [seconds for each attack] [connections]`
 */
import { fork } from 'node:child_process';
import { once } from 'node:events';
import { cpus } from 'node:os';
import { setTimeout } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { WebsocketClient } from 'gemsocket';
import { session } from 'gemsocket/session';
import { plainAttacks, sessionAttacks } from './attacks.mjs';
import { printTable } from './statistics.mjs';

/** The time before the measurement: all attackers start at once, with code that has never run. */
const WARM_UP_MS = 2_000;
const seconds = Number(process.argv[2] ?? 4);
const connections = Number(process.argv[3] ?? 20);
const only = process.argv[4];
const BITS_PER_SECOND = 48e6;
/** The good client sends this often, whether the last answer has arrived or not. */
const ASK_MS = 10;

const start = (file) => fork(fileURLToPath(new URL(file, import.meta.url)));
const heard = async (child) => (await once(child, 'message'))[0];

/** Round trips of a good client until it is stopped. An unanswered message counts with the time that it waited. */
function watch(client) {
  const times = [];
  const asked = [];
  client.on('message', () => times.push(performance.now() - asked.shift()));
  const timer = setInterval(() => {
    asked.push(performance.now());
    client.sendMessage('a good message');
  }, ASK_MS);
  return () => {
    clearInterval(timer);
    return [...times, ...asked.map((at) => performance.now() - at)].sort((one, other) => one - other);
  };
}

async function run(mode, attack, bitsPerSecond) {
  const server = start('./attacked-server.mjs');
  const port = await heard(server);
  const client = new WebsocketClient(`127.0.0.1:${port}`, mode === 'session' ? { session: session() } : {});
  await client.connect();
  const stopAttack = attack === 'none' ? async () => ({ closed: 0, megabits: 0 }) : await startAttack(port, attack, bitsPerSecond);
  await setTimeout(WARM_UP_MS);
  server.send('measure');
  const stop = watch(client);
  await setTimeout(seconds * 1000);
  const times = stop();
  const { closed, megabits } = await stopAttack();
  server.send('measure');
  const { longestTurnMs, cpuShare } = await heard(server);
  server.disconnect();
  await client.close();
  const at = (share) => times[Math.floor((times.length - 1) * share)].toFixed(1);
  return [attack, megabits.toFixed(0), at(0.5), at(0.99), longestTurnMs.toFixed(0), `${Math.round(cpuShare * 100)} %`, closed];
}

async function startAttack(port, attack, bitsPerSecond) {
  const attackers = start('./attackers.mjs');
  attackers.send({ port, attack, connections, bitsPerSecond });
  await heard(attackers);
  return async () => {
    attackers.send('stop');
    return await heard(attackers);
  };
}

const head = ['attack', 'Mbit/s taken', 'p50 ms', 'p99 ms', 'longest turn ms', 'CPU', 'closed'];
for (const [rate, title] of [
  [BITS_PER_SECOND, '48 Mbit/s'],
  [0, 'as fast as they can'],
]) {
  for (const [mode, attacks] of Object.entries({ session: sessionAttacks, plain: plainAttacks })) {
    const rows = [];
    for (const attack of ['none', ...Object.keys(attacks)]) {
      if (only === undefined || attack.includes(only)) rows.push(await run(mode, attack, rate));
    }
    printTable(`${mode}, ${connections} connections, ${title} (${cpus().length} cores, Node ${process.version})`, head, rows);
  }
}
process.exit(0);
