/* Escape sequences of terminals: colours and the like. Written as a pattern over their bytes: ECMA-48, sections 5.3 and 5.4. */
// oxlint-disable-next-line no-control-regex -- they are what is looked for
const SEQUENCES = /\u001b(?:\[[0-?]*[ -/]*[@-~]|\][^\u0007\u001b]*(?:\u0007|\u001b\\)|[@-Z\\-_])/g;
// oxlint-disable-next-line no-control-regex -- they are what is looked for
const CONTROLS = /[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u202a-\u202e\u2066-\u2069]/g;

/** What a service said, as plain text: sequences are left out, other control characters and those that turn the direction of text are shown. */
export const cleanText = (text: string): string =>
  text
    .replace(SEQUENCES, "")
    .replace(CONTROLS, (one) => `\\x${(one.codePointAt(0) ?? 0).toString(16).padStart(2, "0")}`);
