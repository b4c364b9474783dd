import { expect, it } from 'vitest';
import { readAll, World } from './support/world.js';

// Found by exactly-once.property.test.ts, seed -319639690: the late one took over, and its 4409 ended the client.
it('is not taken over by the RESUME of a transport that the client has replaced', () => {
  const world = new World().open();
  world.cut();
  world.clock.pass(1_000, () => world.endTurn());
  world.endTurn();
  const second = world.cable;
  expect(second.client.outbound).toHaveLength(1);
  second.isFrozen = true;
  second.client.lose();
  world.pass(5_000);
  expect(world.cables).toHaveLength(3);
  expect(world.client.state).toBe('open');
  second.isFrozen = false;
  second.deliver('client');
  world.client.sendMessage('still here');
  world.settle();
  expect(world.client.state).toBe('open');
  expect(readAll(world.serverClient)).toEqual(['still here']);
});
