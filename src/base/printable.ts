// oxlint-disable-next-line no-control-regex -- what a terminal would obey is what this is about
const CONTROL = /[\u0000-\u001f\u007f-\u009f]+/g;

/** A text of somebody else's making as one line of a terminal: without what that would obey. */
export const printable = (text: string): string => text.replace(CONTROL, " ");
