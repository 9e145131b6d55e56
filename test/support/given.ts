import {
  type AnyStateMachine,
  type ContextFrom,
  type EventFromLogic,
  type InputFrom,
  initialTransition,
  type SnapshotFrom,
  transition,
} from "xstate";

/** An event whose stamp may be left out: time then goes on by a millisecond, and the id says which event it is. */
type Unstamped<Event> = Event extends { at: number; id: string }
  ? Omit<Event, "at" | "id"> & { at?: number; id?: string }
  : never;

/** An effect as a test reads it. */
export interface Asked {
  type: string;
  params?: unknown;
}

export interface Given<Machine extends AnyStateMachine> {
  state: string;
  context: ContextFrom<Machine>;
  /** What the last event asked for, in order. */
  effects: Asked[];
  /** Whether the machine has a transition for the last event. */
  taken: boolean;
  /** The same machine after more events. */
  when: (...events: Unstamped<EventFromLogic<Machine>>[]) => Given<Machine>;
}

const asked = ({ type, params }: Asked): Asked =>
  params === undefined ? { type } : { type, params };

/**
 * A machine at its birth, to be stepped by events with XState's own pure functions: nothing runs.
 *
 * Events without `at` come one millisecond after the one before; without `id` they are called `ev_1`, `ev_2`, …
 */
export function given<Machine extends AnyStateMachine>(
  machine: Machine,
  input: InputFrom<Machine>,
): Given<Machine> {
  const [birth] = initialTransition(machine, ...([input] as never));
  return after(machine, birth as SnapshotFrom<Machine>, {
    at: 0,
    count: 0,
    effects: [],
    taken: true,
  });
}

interface Last {
  at: number;
  count: number;
  effects: Asked[];
  taken: boolean;
}

function after<Machine extends AnyStateMachine>(
  machine: Machine,
  snapshot: SnapshotFrom<Machine>,
  last: Last,
): Given<Machine> {
  const { value, context } = snapshot as { value: unknown; context: ContextFrom<Machine> };
  const when = (...events: Unstamped<EventFromLogic<Machine>>[]): Given<Machine> => {
    let now = snapshot;
    let { at, count, effects, taken } = last;
    for (const event of events) {
      count += 1;
      const stamped = { at: at + 1, id: `ev_${count}`, ...event };
      at = stamped.at;
      taken = (now as { can: (event: object) => boolean }).can(stamped);
      const [next, actions] = transition(machine, now, stamped as never);
      now = next as SnapshotFrom<Machine>;
      effects = actions.map(asked);
    }
    return after(machine, now, { at, count, effects, taken });
  };
  return { state: String(value), context, effects: last.effects, taken: last.taken, when };
}
