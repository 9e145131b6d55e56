import type { AppError } from "../base/errors.ts";
import type { ThreadJournal } from "./thread-journal.ts";

/** A journal that stores nothing, for a log that can be read and must not be written. @param reason what everybody is told who wants something stored */
export const readOnlyJournal = (reason: AppError): ThreadJournal => ({
  append: async () => ({ outcome: "failed", message: reason.message }),
  settleKey: async () => {},
  collectValues: async () => 0,
  retain: async () => ({ more: false }),
  rebuild: () => Promise.reject(reason),
  close: async () => {},
});
