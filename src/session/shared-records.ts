import type { SharedRecord } from '../core/extension.js';

export type { SharedRecord };

/** Records that are encoded once for many sessions. */
export interface SharedRecords {
  /** Undefined if the message is none that is shared. */
  recordOf(message: string | Uint8Array<ArrayBuffer>, isVolatile: boolean): SharedRecord | undefined;
}
