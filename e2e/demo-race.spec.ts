import { expect, test } from './demo.js';

test.use({ section: 'race' });

test('three connections return all messages, and the rates stand beside the native one', async ({ page }) => {
  await page.getByRole('radio', { name: '64 B × 1', exact: true }).check();
  await page.getByRole('button', { name: 'Start', exact: true }).click();
  await expect(page.getByRole('button', { name: 'Start', exact: true })).toBeDisabled();
  await expect(page.locator('#race-result')).toHaveText(/native WebSocket = 1: plain \d+\.\d, session \d+\.\d\.$/);
  for (const lane of await page.locator('#race li').all()) {
    await expect(lane.getByRole('progressbar')).toHaveJSProperty('value', 1);
    await expect(lane.locator('output')).toHaveText(/^[1-9][\d,]*$/);
  }
  await expect(page.getByRole('button', { name: 'Start', exact: true })).toBeEnabled();
});

test('the server of the race is not in the thread of the arena', async ({ page, demo }) => {
  const { port } = (await (await page.request.get(`${demo.url}/race`)).json()) as { port: number };
  expect(String(port)).not.toBe(new URL(demo.url).port);
  expect(await (await page.request.get(`${demo.url}/race`)).json()).toEqual({ port });
});

test('without its server, a race ends with the reason, and another can start', async ({ page, expectedErrors }) => {
  expectedErrors.push(/503/);
  await page.route('**/race', (route) => route.fulfill({ status: 503 }));
  await page.getByRole('button', { name: 'Start', exact: true }).click();
  await expect(page.locator('#race-result')).toHaveText('The race was not finished. Its server did not start.');
  await expect(page.getByRole('button', { name: 'Start', exact: true })).toBeEnabled();
});

test('a connection that is lost in a race ends it, with the name of its lane', async ({ page }) => {
  let close = () => {};
  await page.routeWebSocket(/:\d+\/$/, (socket) => {
    if (socket.protocols().length > 0) return void socket.connectToServer();
    const server = socket.connectToServer();
    close = () => {
      server.close();
      socket.close({ code: 3000 });
    };
  });
  await page.getByRole('button', { name: 'Start', exact: true }).click();
  await expect(page.locator('#race-plain output')).toHaveText(/^[1-9]/);
  close();
  await expect(page.locator('#race-result')).toHaveText(/was not finished. The connection of the lane “(native|plain)” was lost/);
});
