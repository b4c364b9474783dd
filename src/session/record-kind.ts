// Kinds of records; those below 8 are numbered. See docs/protocol.md, section 3. As constants of their own they leave
// no names behind in a bundle.

export const chunk = 0;
export const text = 1;
export const binary = 2;
export const end = 3;
/** Records of extensions: kinds 4 to 7, and `transient`, which is not numbered. */
export const topic = 5;
export const ack = 8;
export const credit = 9;
export const ping = 10;
export const pong = 11;
export const volatileText = 12;
export const volatileBinary = 13;
export const transient = 14;
export const control = 15;
