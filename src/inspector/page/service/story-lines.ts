import type { LogLine, ToldEvent } from "../data/wire.ts";

/* Events and log lines on one axis of time. Nothing of the page, so that tests need no browser. */

export type StoryLine =
  | { kind: "event"; wall: number; key: string; event: ToldEvent }
  | { kind: "log"; wall: number; key: string; line: LogLine }
  /** So long nothing was to tell, in milliseconds. */
  | { kind: "pause"; wall: number; key: string; ms: number };

/** A pause that is told. */
const PAUSE_MS = 60_000;

/** The newest first; at the same time the event stands above what the service said before it. */
export function storyOf(events: readonly ToldEvent[], lines: readonly LogLine[]): StoryLine[] {
  const all: StoryLine[] = [
    ...events.map((event) => ({
      kind: "event" as const,
      wall: event.wall,
      key: `e${event.seq}`,
      event,
    })),
    ...lines.map((line, index) => ({
      kind: "log" as const,
      wall: line.wall,
      key: `l${line.wall}-${index}`,
      line,
    })),
  ];
  all.sort((a, b) => b.wall - a.wall || rank(a) - rank(b));
  return all.flatMap((one, index) => {
    const above = all[index - 1];
    const ms = above ? above.wall - one.wall : 0;
    return ms >= PAUSE_MS
      ? [{ kind: "pause", wall: one.wall, key: `p${one.key}`, ms }, one]
      : [one];
  });
}

const rank = (line: StoryLine): number =>
  line.kind === "event" ? -line.event.seq / Number.MAX_SAFE_INTEGER : 1;

/** One of so many colours for each life, the same for the same life, and another one for its neighbours. */
export function colourOf(
  incarnation: string | null,
  lives: readonly string[],
  colours: number,
): number | undefined {
  if (incarnation === null) return undefined;
  const index = lives.indexOf(incarnation);
  return index < 0 ? undefined : index % colours;
}

/** The part of a time that changed from the line above is all that the eye needs. */
export const delayText = (ms: number): string =>
  ms < 1_000 ? `+${Math.round(ms)} ms` : `+${(ms / 1_000).toFixed(ms < 10_000 ? 1 : 0)} s`;
