/**
 * What a terminal would obey or what would turn a line about: control characters, line and paragraph separators, and marks of direction.
 * Source: Unicode Standard Annex 9 (the explicit formatting characters).
 */
const CONTROL =
  // oxlint-disable-next-line no-control-regex -- they are what this is about
  /[\u0000-\u001f\u007f-\u009f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ufeff]+/g;

/** A text of somebody else's making as one line of a terminal: without what that would obey. */
export const printable = (text: string): string => text.replace(CONTROL, " ");
