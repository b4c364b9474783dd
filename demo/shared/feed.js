/** Shared by the page and the demo's server: the topic of the feed. */

export const FEED = 'feed';
/** The server publishes a line at this interval: 20 a second. */
export const FEED_MS = 50;
/** Messages that the server keeps: 15 seconds of lines. */
export const FEED_HISTORY = 300;
/** The longest line, in bytes: a name and 80 characters. */
export const MAX_LINE_BYTES = 512;
