// Close codes by their names in RFC 6455, section 7.4.1, and IANA's registry. As constants
// of their own they leave no names behind in a bundle.

export const normal = 1000;
export const goingAway = 1001;
export const protocolError = 1002;
export const unsupportedData = 1003;
export const noStatus = 1005;
export const abnormal = 1006;
export const invalidPayload = 1007;
export const policyViolation = 1008;
export const messageTooBig = 1009;
export const mandatoryExtension = 1010;
export const tryAgainLater = 1013;

/** Ours, of the private range: the reader stopped and its inbox is full. */
export const inboxFull = 4408;

/** The session went on with a newer socket: docs/protocol.md, section 12. */
export const takenOver = 4409;
