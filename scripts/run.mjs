import { spawn } from 'node:child_process';

/**
 * Runs a command with its output passed through and without input, so that no command can wait for a key.
 *
 * @returns {Promise<boolean>} whether its exit code was 0.
 */
export function run(command, args, env = {}) {
  return new Promise((resolve) => {
    const child = spawn(command, args, {
      stdio: ['ignore', 'inherit', 'inherit'],
      env: { ...process.env, ...env },
      shell: isScript(command),
    });
    child.on('error', (error) => {
      console.error(`${command}: ${error.message}`);
      resolve(false);
    });
    child.on('close', (code) => resolve(code === 0));
  });
}

/** On Windows npm and npx are scripts, which only a shell can start. */
export function isScript(command) {
  return process.platform === 'win32' && (command === 'npm' || command === 'npx');
}

/** Tries several times, because a registry or a mirror may be busy for a moment. */
export async function retry(times, attempt) {
  for (let time = 1; time <= times; time += 1) {
    if (await attempt()) return true;
    if (time < times) await new Promise((resolve) => setTimeout(resolve, 2_000 * time));
  }
  return false;
}
