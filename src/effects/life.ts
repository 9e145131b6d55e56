import type { ResolvedDefinition } from "../../machines/definition.ts";
import { idOf, kindOf } from "../journal/record.ts";
import type { Suspect } from "./identity.ts";
import type { Sign } from "./signs.ts";

/** How far one life of a service's process is. */
type Stage =
  /** Asked for; nothing is spawned yet, and nothing will be if it is stopped now. */
  | "asked"
  /** The spawn is under way, and cannot be taken back. */
  | "spawning"
  /** Its main process lives, as far as is known. */
  | "up"
  /** Its main process ended or never was; something that it left may live. */
  | "ended"
  /** Over, and reported so. */
  | "closed";

/** One incarnation as the runner keeps it, from the spawn's request until nothing is left. */
export interface Life {
  readonly stream: string;
  readonly service: string;
  readonly incarnation: string;
  stage: Stage;
  /** Its main process is a child of ours: in the table, so that its pid is its own until it is reaped. Else an earlier daemon's. */
  isChild: boolean;
  /** Main process, once known. */
  pid?: number;
  /** How its processes are found. */
  readonly suspect: Suspect;
  /** The end of the main process is on record, or about to be. */
  exitTold: boolean;
  /** What its main process left behind is the point of it: it goes on, and ends by the signal. */
  keepsOrphans?: boolean;
  /** Its FIFOs are open, and their end is to be reported. */
  hasOutput: boolean;
  /** How it says that it is ready. */
  sign?: Sign;
  /** A gentle end was asked for: by when, on the clock of `performance.now`; `definition` where that has a stop command. */
  stop?: { signal: string; deadline: number; definition?: ResolvedDefinition | undefined };
  /** Its stop command runs, until this is aborted or it ends. */
  stopCommand?: AbortController | undefined;
  /** A process that may be its and that nothing proves: nothing is signalled, and it is not over before that is gone. */
  unprovenPid?: number;
  isWatched: boolean;
  isClearing: boolean;
  isUnkillableTold: boolean;
  readonly timers: Set<NodeJS.Timeout>;
}

/** Under which name the log of a stream's output goes. No service's name begins so. */
export const logNameOf = (stream: string): string =>
  kindOf(stream) === "component" ? `_component-${idOf(stream)}` : idOf(stream);

/** @param stage where it begins: `asked`, or what was found of it */
export function newLife(stream: string, incarnation: string, stage: Stage): Life {
  return {
    stream,
    service: logNameOf(stream),
    incarnation,
    stage,
    isChild: false,
    suspect: { incarnation, members: new Map() },
    exitTold: true,
    hasOutput: false,
    isWatched: false,
    isClearing: false,
    isUnkillableTold: false,
    timers: new Set(),
  };
}

/** Does something later, unless the life is over by then. */
export function later(life: Life, ms: number, act: () => void): void {
  const timer = setTimeout(() => {
    life.timers.delete(timer);
    act();
  }, ms);
  life.timers.add(timer);
}
