/** The interval at which each side of the cable sends a number: 20 times a second, as a game would. */
export const SAY_MS = 50;
