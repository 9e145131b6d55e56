import { nanoid } from "nanoid";

/** Where ids come from: a port, so that a simulated run can hand out its own. */
export interface Ids {
  event(): string;
  incarnation(): string;
  boot(): string;
  secret(): string;
}

/** Random ids; the prefix says what one names when it is met alone in a log. */
export const randomIds: Ids = {
  event: () => `ev_${nanoid(16)}`,
  incarnation: () => `in_${nanoid(16)}`,
  boot: () => `bt_${nanoid(16)}`,
  secret: () => `sv_${nanoid(16)}`,
};
