/** How often each side of the cable says a number: 20 times a second, as a game would. */
export const SAY_MS = 50;
