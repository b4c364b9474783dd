/** Makes a bare machine ready for `npm test`. Plain Node without a dependency, since it runs before any is installed. */
import { ensurePackages } from './packages.mjs';
import { ensureBrowsers, ensurePrograms } from './system.mjs';

try {
  await ensurePackages();
  await ensureBrowsers();
  await ensurePrograms();
} catch (error) {
  console.error(`\n${error.message}\n`);
  process.exitCode = 1;
}
