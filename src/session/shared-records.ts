/** A record of a broadcast, header included. Its bytes never change, and `slab` ends with it. */
export interface SharedRecord {
  /** A kind of record-kind.ts. */
  readonly kind: number;
  readonly slab: Uint8Array<ArrayBuffer>;
  readonly start: number;
}

/** Records that are encoded once for many sessions. */
export interface SharedRecords {
  /** Undefined if the message is none that is shared. */
  recordOf(message: string | Uint8Array<ArrayBuffer>, isVolatile: boolean): SharedRecord | undefined;
}
