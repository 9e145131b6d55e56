/** What came of a question: yes, or why not, in words for a person. */
export type Answer = { ok: true } | { ok: false; reason: string };

export const YES: Answer = { ok: true };

export const no = (reason: string): Answer => ({ ok: false, reason });
