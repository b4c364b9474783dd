/** Prepares a bare machine for `npm test`. Plain Node without dependencies, because it runs before they are installed. */
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
