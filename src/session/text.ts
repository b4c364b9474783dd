/** Refuses what is not UTF-8; a byte order mark is part of the text. */
export function newDecoder(): TextDecoder {
  return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });
}

/** Undefined when the bytes are not UTF-8. */
export function decodeText(decoder: TextDecoder, bytes: Uint8Array): string | undefined {
  try {
    return decoder.decode(bytes);
  } catch {
    return undefined;
  }
}
