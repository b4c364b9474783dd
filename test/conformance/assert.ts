/** All that the suite needs of a test framework: it must run where none does. */

export function assert(condition: boolean, what: string): asserts condition {
  if (!condition) throw new Error(`Expected ${what}.`);
}

/** Deep, for what JSON has and for bytes. */
export function equal(actual: unknown, expected: unknown, what: string): void {
  const [shownActual, shownExpected] = [show(actual), show(expected)];
  if (shownActual !== shownExpected)
    throw new Error(`Expected ${what} to be ${shortened(shownExpected)}, but it is ${shortened(shownActual)}.`);
}

/** The error that `call` throws at once, or that its promise rejects with; its code must be this one. */
export async function fails(call: () => unknown, code: string): Promise<FailureLike> {
  try {
    await call();
  } catch (error) {
    return withCode(error, code);
  }
  throw new Error(`Expected ${code}, but nothing failed.`);
}

/** As `fails`, and the error must be thrown at the call. */
export function throwsAtOnce(call: () => unknown, code: string): FailureLike {
  try {
    call();
  } catch (error) {
    return withCode(error, code);
  }
  throw new Error(`Expected ${code} to be thrown at the call, but nothing was.`);
}

export interface FailureLike extends Error {
  readonly code: string;
  readonly context: Readonly<Record<string, unknown>>;
}

function withCode(error: unknown, code: string): FailureLike {
  const failure = error as FailureLike;
  if (failure.code === code) return failure;
  throw new Error(`Expected the error ${code}, but it is ${failure.code ?? ''} ${failure.stack ?? String(error)}`);
}

function show(value: unknown): string {
  return JSON.stringify(value, (_key, part: unknown) => {
    if (part === undefined) return '(undefined)';
    if (ArrayBuffer.isView(part)) return `${part.constructor.name}(${Array.from(part as Uint8Array).join()})`;
    if (typeof part !== 'object' || part === null || Array.isArray(part)) return part;
    return Object.fromEntries(Object.entries(part).sort(([left], [right]) => (left < right ? -1 : 1)));
  });
}

function shortened(text: string): string {
  return text.length <= 400 ? text : `${text.slice(0, 400)}… (${text.length} characters)`;
}
