import { existsSync } from 'node:fs';

/** Debian's own Chromium where it is installed; otherwise the one that `npx playwright install chromium` brought. */
const DEBIAN_CHROMIUM = '/usr/bin/chromium';

/** How every test starts Chromium: also as root, and without a word to the outside. */
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
