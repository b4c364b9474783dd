import { DEBIAN_WEBKIT_DRIVER } from '../../test/support/browsers.js';
import { freePort, start, startListening } from '../../test/support/programs.js';
import { until } from '../../test/support/until.js';
import type { Engine } from './engine.js';
import { openSession } from './webdriver.js';

/** WebKitGTK, on a screen that nobody sees. */
export async function startWebKit(): Promise<Engine> {
  const screen = start('Xvfb', ['-displayfd', '1', '-noreset', '-nolisten', 'tcp']);
  try {
    const number = () => /^\d+$/m.exec(screen.output)?.[0]; // behind what it has to say of the screens that are taken
    await until(() => number() !== undefined, 'Xvfb has a screen');
    const port = await freePort();
    const driver = await startListening(port, DEBIAN_WEBKIT_DRIVER, ['-p', `${port}`], { DISPLAY: `:${number()}` });
    return {
      open: () => openSession(`http://127.0.0.1:${port}`, { browserName: 'MiniBrowser' }),
      async [Symbol.asyncDispose]() {
        await screen.kill(); // and with it every browser on it
        await driver.kill();
      },
    };
  } catch (error) {
    await screen.kill();
    throw error;
  }
}
