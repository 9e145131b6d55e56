import type { JSX } from "preact";
import { useMemo, useState } from "preact/hooks";
import { lastSeq } from "../data/feed.ts";
import { at, now } from "../data/time.ts";
import type { LogPart, Told, ToldEvent } from "../data/wire.ts";
import { Trouble } from "../parts/empty.tsx";
import { toneOf } from "../parts/phase.tsx";
import { useAnswer } from "../parts/use-answer.ts";
import { changeQuery, place } from "../router.ts";
import { dateText, durationText, preciseClock } from "../words.ts";
import { colourOf, type StoryLine, storyOf } from "./story-lines.ts";
import { cleanText } from "./clean-text.ts";

const EVENTS = 60;
const LINES = 200;
export const LIFE_COLOURS = 6;
/** What it says comes without an event: it is asked for so often. */
const LOGS_EVERY_MS = 2_000;
/** Asked anew after so many events of anybody. */
const STALE_ROWS = 5;

/** What happened to a service and what it said, on one axis of time, the newest first. */
export function Story({ name }: { name: string }): JSX.Element {
  const [pages, setPages] = useState(1);
  const { query } = place.value;
  const shows = query.get("story") ?? "both";
  const to = at.value;
  const key = to ?? Math.floor(lastSeq.value / STALE_ROWS);
  const path = encodeURIComponent(name);
  const events = useAnswer<Told>(
    "/v1/past/timeline",
    { service: name, limit: EVENTS * pages, ...(to !== undefined && { before: to + 1 }) },
    key,
  );
  const logs = useAnswer<LogPart>(
    shows === "events" ? undefined : `/v1/past/logs/${path}`,
    { around: to, before: LINES * pages, after: to === undefined ? 0 : 20 },
    to ?? `${key} ${Math.floor(now.value / LOGS_EVERY_MS)}`,
  );
  const told = shows === "logs" ? [] : (events.value?.events ?? []);
  const lines = shows === "events" ? [] : (logs.value?.lines ?? []);
  const story = useMemo(() => storyOf(told, lines), [told, lines]);
  const lives = useMemo(
    () =>
      [
        ...new Set(
          [
            ...told.map(({ incarnation }) => incarnation),
            ...lines.map(({ incarnation }) => incarnation),
          ].filter((one) => one !== null),
        ),
      ].toSorted(),
    [told, lines],
  );
  const selected = Number(query.get("event") ?? Number.NaN);
  return (
    <section class="panel story-panel" aria-label="What happened">
      <div class="panel-head">
        <h2>What happened</h2>
        <div class="switch" role="group" aria-label="What is shown">
          {(["both", "events", "logs"] as const).map((one) => (
            <button
              key={one}
              type="button"
              aria-pressed={one === shows}
              onClick={() => changeQuery({ story: one === "both" ? undefined : one }, true)}
            >
              {one}
            </button>
          ))}
        </div>
      </div>
      {events.problem !== undefined && <Trouble text={events.problem} again={events.again} />}
      {logs.problem !== undefined && <Trouble text={logs.problem} again={logs.again} />}
      <ol class="story" reversed>
        {story.map((line) => (
          <Line
            key={line.key}
            line={line}
            lives={lives}
            isSelected={line.kind === "event" && line.event.seq === selected}
          />
        ))}
        {story.length === 0 && !events.isAsking && (
          <li class="story-none">
            {shows === "logs" ? "It said nothing yet." : "Nothing happened to it yet."}
          </li>
        )}
      </ol>
      {logs.value?.note !== undefined && <p class="note">{logs.value.note}</p>}
      {(events.value?.more || logs.value?.more_before) && (
        <button
          type="button"
          class="button small story-more"
          disabled={events.isAsking}
          onClick={() => setPages((count) => count + 1)}
        >
          Earlier
        </button>
      )}
    </section>
  );
}

function Line({
  line,
  lives,
  isSelected,
}: {
  line: StoryLine;
  lives: readonly string[];
  isSelected: boolean;
}): JSX.Element {
  if (line.kind === "event")
    return <EventLine event={line.event} lives={lives} isSelected={isSelected} />;
  if (line.kind === "pause")
    return (
      <li class="story-pause">
        <span>{durationText(line.ms)}</span>
      </li>
    );
  const { wall, stream, text, incarnation } = line.line;
  return (
    <li class={`story-log story-${stream} ${lifeClass(incarnation, lives)}`}>
      <time title={dateText(wall)}>{preciseClock(wall)}</time>
      <code>{cleanText(text)}</code>
    </li>
  );
}

function EventLine({
  event,
  lives,
  isSelected,
}: {
  event: ToldEvent;
  lives: readonly string[];
  isSelected: boolean;
}): JSX.Element {
  const isMove = event.from_state !== event.to_state;
  return (
    <li
      class={`story-event ${lifeClass(event.incarnation, lives)}${isSelected ? " story-selected" : ""}`}
      data-seq={event.seq}
    >
      <button
        type="button"
        aria-pressed={isSelected}
        onClick={() => changeQuery({ event: isSelected ? undefined : event.seq, edge: undefined })}
      >
        <time title={dateText(event.wall)}>{preciseClock(event.wall)}</time>
        <span class="story-text">
          <span class="story-type">{event.type}</span>
          {isMove && (
            <span class={`story-move ${toneOf(event.to_state)}`}>
              {event.from_state === null ? "" : `${event.from_state} → `}
              {event.to_state}
            </span>
          )}
          <span class="story-words">{event.text}</span>
        </span>
        {event.actor !== "runtime" && <span class="story-actor">{event.actor}</span>}
        <span class="story-seq">#{event.seq}</span>
      </button>
    </li>
  );
}

function lifeClass(incarnation: string | null, lives: readonly string[]): string {
  const colour = colourOf(incarnation, lives, LIFE_COLOURS);
  return colour === undefined ? "" : `life-${colour}`;
}
