import { describe, expect, it } from 'vitest';
import { programs } from '../../scripts/programs.mjs';

export type ProgramName = keyof typeof programs;

/**
 * Tests that need a third-party program, given its path. Where it is missing they fail with the command that
 * installs it; GEMSOCKET_ALLOW_MISSING=1 skips them visibly instead, for machines without apt.
 */
export function describeWith(name: ProgramName, title: string, tests: (path: string) => void): void {
  const { debianPackage, find } = programs[name];
  const path = find();
  if (path !== undefined) {
    describe(title, () => tests(path));
    return;
  }
  const message = `${title}: not run, since ${name} is not installed. Run: apt-get install ${debianPackage}`;
  describe(title, () => {
    if (process.env.GEMSOCKET_ALLOW_MISSING === '1') {
      console.warn(message);
      it.skip(message);
    } else it(`has ${name}`, () => expect.unreachable(message));
  });
}
