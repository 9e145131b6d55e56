import { nanoid } from "nanoid";

/** Where ids come from: a port, so that a simulated run can hand out its own. */
export interface Ids {
  event(): string;
  incarnation(): string;
  boot(): string;
  secret(): string;
}

const life = nanoid(10);
let events = 0;

/**
 * Random ids; the prefix says what one names when it is met alone in a log.
 *
 * Those of events sort in the order in which they were made, within one life of a process: each insert then touches the same end of the log's index.
 */
export const randomIds: Ids = {
  event: () => `ev_${life}${(events++).toString(36).padStart(8, "0")}`,
  incarnation: () => `in_${nanoid(16)}`,
  boot: () => `bt_${nanoid(16)}`,
  secret: () => `sv_${nanoid(16)}`,
};
