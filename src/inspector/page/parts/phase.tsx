import type { JSX } from "preact";
import type { Phase } from "../data/wire.ts";

/** Each state has a form as well as a colour: some people see no difference between the colours. */
const SHAPES: Readonly<Record<Phase | "unknown", string>> = {
  pending: "M5 3h6M5 13h6M5.5 3c0 3 5 3.5 5 5s-5 2-5 5M10.5 3c0 3-5 3.5-5 5s5 2 5 5",
  starting: "M8 13V3M4 7l4-4 4 4",
  running: "M3.5 8.5l3 3 6-7",
  crashed: "M4 4l8 8M12 4l-8 8",
  restarting: "M12.5 8a4.5 4.5 0 1 1-1.4-3.2M11.5 2v3h-3",
  stopping: "M8 3v10M4 9l4 4 4-4",
  stopped: "M4.5 4.5h7v7h-7z",
  failed: "M8 3v6M8 12v.5",
  unknown: "M6 6a2 2 0 1 1 2 2.5V10M8 12.5v.3",
};

export const PHASES = [
  "running",
  "starting",
  "pending",
  "restarting",
  "crashed",
  "failed",
  "stopping",
  "stopped",
] as const satisfies readonly Phase[];

const known = (phase: string): phase is Phase => Object.hasOwn(SHAPES, phase);

/** Name of the class that has the colours of a state; also for states of machines that are not ours. */
export const toneOf = (phase: string): string => `tone-${known(phase) ? phase : "unknown"}`;

export function PhaseIcon({ phase, size = 16 }: { phase: string; size?: number }): JSX.Element {
  return (
    <svg
      class={`phase-icon ${toneOf(phase)}`}
      width={size}
      height={size}
      viewBox="0 0 16 16"
      aria-hidden="true"
    >
      <circle class="phase-disc" cx="8" cy="8" r="8" />
      <path class="phase-mark" d={SHAPES[known(phase) ? phase : "unknown"]} />
    </svg>
  );
}

/** Icon and word. */
export function PhaseBadge({ phase }: { phase: string }): JSX.Element {
  return (
    <span class={`badge ${toneOf(phase)}`}>
      <PhaseIcon phase={phase} />
      {phase}
    </span>
  );
}
