import { existsSync, mkdirSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

/*
 * How every test starts a browser: Debian's own where it is installed, otherwise the one that `npx playwright install`
 * provided. Browsers also run as root, and without requests to outside servers.
 */

const DEBIAN_CHROMIUM = '/usr/bin/chromium';
const DEBIAN_HEADLESS_SHELL = '/usr/bin/chromium-headless-shell';
const DEBIAN_FIREFOX = '/usr/bin/firefox-esr';
/** Playwright drives only its own WebKit; this one supports WebDriver. */
export const DEBIAN_WEBKIT_DRIVER = '/usr/bin/WebKitWebDriver';

export const chromiumOptions = {
  ...(existsSync(DEBIAN_CHROMIUM) ? { executablePath: DEBIAN_CHROMIUM } : {}),
  args: [
    '--no-sandbox',
    '--disable-gpu',
    '--disable-quic',
    '--no-first-run',
    '--disable-background-networking',
    '--disable-component-update',
    '--disable-sync',
  ],
};

/** The same engine without the browser's own windows, which take a third of the processor time of a test that opens a page. */
export const headlessShellOptions = {
  ...chromiumOptions,
  ...(existsSync(DEBIAN_HEADLESS_SHELL) ? { executablePath: DEBIAN_HEADLESS_SHELL } : {}),
};

/** The channel is Playwright's name for a Firefox that Playwright did not build. */
export function firefoxOptions() {
  return {
    ...(existsSync(DEBIAN_FIREFOX) ? { channel: 'moz-firefox', executablePath: DEBIAN_FIREFOX } : {}),
    env: { ...process.env, HOME: firefoxHome() } as Record<string, string>,
    firefoxUserPrefs: {
      'app.normandy.enabled': false,
      'browser.region.update.enabled': false,
      'dom.push.connection.enabled': false,
      'network.captive-portal-service.enabled': false,
      'network.websocket.delay-failed-reconnects': false,
      'network.trr.mode': 5, // no DNS over HTTPS
      'services.settings.server': 'http://127.0.0.1:1/',
    },
  };
}

/** As root, Firefox refuses a home directory that another user owns. */
function firefoxHome(): string {
  const home = fileURLToPath(new URL('../../.cache/firefox-home', import.meta.url));
  mkdirSync(home, { recursive: true });
  return home;
}
