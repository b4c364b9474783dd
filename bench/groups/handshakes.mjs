/** Handshakes, with all connections left open until the clock has stopped. */
import { crowdRoles } from '../crowd.mjs';

export const name = 'handshakes';
export const title = 'Handshakes';
export const about = 'Connections a second that a client process opens, 50 at a time, until each can send.';
export const sides = ['ws', 'uws', 'socket-io', 'gemsocket-plain', 'gemsocket-session'];
export const rows = [
  {
    key: 'rate',
    label: '50 at a time',
    unit: 'a second',
    targets: { 'gemsocket-plain': { least: 0.95 }, 'gemsocket-session': { least: 0.65 } },
  },
];

export const roles = crowdRoles;

export async function measure({ start, isQuick }) {
  const [server, clients] = [await start('server'), await start('clients')];
  const port = await server.call('port');
  const [warmUp, count] = isQuick ? [100, 200] : [300, 1000];
  await clients.call('resize', port, warmUp);
  await clients.call('resize', port, 0);
  return { rate: (count / (await clients.call('resize', port, count))) * 1000 };
}
