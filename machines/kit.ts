/** Milliseconds on the runtime's own clock, which never goes back. It comes in with events, never from a call. */
export type Instant = number;

/** What every event carries besides its own data: when it happened and which row of the log it is. */
export interface Stamp {
  at: Instant;
  /** The row's id. A timer that this event arms is known by it, so that a late `timer.fired` can be told apart. */
  id: string;
}

/** A named, typed action without a body: what a machine asks for, never does. */
export const effect =
  <Params>() =>
  (_: unknown, _params: Params): void => {};
