import type { JSX } from "preact";
import { useEffect, useMemo, useRef, useState } from "preact/hooks";
import { lastSeq } from "../data/feed.ts";
import { shownPast } from "../data/services.ts";
import { at, lookAt } from "../data/time.ts";
import type { Bucket } from "../data/wire.ts";
import { Trouble } from "../parts/empty.tsx";
import { useAnswer } from "../parts/use-answer.ts";
import { place } from "../router.ts";
import { clockText, countText, dateText, plural } from "../words.ts";
import { followPlaying, jump, playing, SPEEDS, speed } from "./playing.ts";
import { bucketAt, positionOf, seqAt } from "./strip.ts";

interface Strip {
  buckets: Bucket[];
}

const BUCKETS = 240;
/** The strip is asked for anew after so many new events, or so long. */
const STALE_ROWS = 50;

/** The whole log as a line: where much happened, what crashed, and a handle to any moment of it. */
export function Scrubber(): JSX.Element {
  const service = place.value.path[0] === "service" ? place.value.path[1] : undefined;
  const generation = Math.floor(lastSeq.value / STALE_ROWS);
  const { value, problem, again } = useAnswer<Strip>(
    "/v1/past/strip",
    { by: "time", buckets: BUCKETS, service },
    generation,
  );
  useEffect(followPlaying, []);
  return (
    <section class="scrubber" aria-label="Time">
      <Controls />
      {problem !== undefined && <Trouble text={problem} again={again} />}
      {value && <Line buckets={value.buckets} />}
      <MomentText />
    </section>
  );
}

const glyph = (d: string): JSX.Element => (
  <svg width="16" height="16" viewBox="0 0 16 16" fill="currentColor" aria-hidden="true">
    <path d={d} />
  </svg>
);
const BACK = glyph("M3 3h2v10H3zM13 3v10L6 8z");
const ON = glyph("M11 3h2v10h-2zM3 3v10l7-5z");
const PLAY = glyph("M4 2.5v11l9-5.5z");
const PAUSE = glyph("M4 3h3v10H4zM9 3h3v10H9z");

function Controls(): JSX.Element {
  const isPast = at.value !== undefined;
  return (
    <div class="scrubber-controls">
      <button
        type="button"
        class="icon-button"
        title="To the restart before ([)"
        aria-label="To the restart before"
        onClick={() => void jump("previous", "restart")}
      >
        {BACK}
      </button>
      <button
        type="button"
        class="icon-button"
        title={isPast ? "Play (space)" : "Go to a moment first"}
        aria-label={playing.value ? "Stand still" : "Play"}
        disabled={!isPast}
        onClick={() => (playing.value = !playing.value)}
      >
        {playing.value ? PAUSE : PLAY}
      </button>
      <button
        type="button"
        class="icon-button"
        title="To the next restart (])"
        aria-label="To the next restart"
        onClick={() => void jump("next", "restart")}
      >
        {ON}
      </button>
      <label class="speed">
        <span class="hidden">Speed</span>
        <select
          value={speed.value}
          onChange={(event) =>
            (speed.value = Number(event.currentTarget.value) as (typeof SPEEDS)[number])
          }
        >
          {SPEEDS.map((one) => (
            <option key={one} value={one}>
              {one}×
            </option>
          ))}
        </select>
      </label>
    </div>
  );
}

const HEIGHT = 36;

function Line({ buckets }: { buckets: readonly Bucket[] }): JSX.Element {
  const line = useRef<HTMLDivElement>(null);
  const [hover, setHover] = useState<number | undefined>();
  const tallest = Math.max(1, ...buckets.map(({ rows }) => rows));
  const bars = useMemo(
    () =>
      buckets.map((bucket, index) => (
        <Bar key={index} bucket={bucket} index={index} tallest={tallest} />
      )),
    [buckets],
  );
  const share = (event: PointerEvent): number => {
    const box = line.current?.getBoundingClientRect();
    return box ? Math.min(1, Math.max(0, (event.clientX - box.left) / box.width)) : 0;
  };
  const lookThere = (event: PointerEvent): void => {
    playing.value = false;
    const seq = seqAt(buckets, share(event));
    if (seq !== undefined) lookAt(seq >= lastSeq.value ? undefined : seq, true);
  };
  const step = (event: KeyboardEvent): void => {
    const from = at.value ?? lastSeq.value;
    const big = Math.max(1, Math.round((lastSeq.value - (buckets[0]?.first ?? 1)) / 100));
    const by = { ArrowLeft: -1, ArrowRight: 1, PageUp: -big, PageDown: big }[event.key];
    if (by === undefined && event.key !== "Home" && event.key !== "End") return;
    event.preventDefault();
    if (event.key === "End" || (by !== undefined && from + by >= lastSeq.value))
      lookAt(undefined, true);
    else
      lookAt(
        event.key === "Home" ? first(buckets) : Math.max(first(buckets), from + (by ?? 0)),
        true,
      );
  };
  const position =
    at.value === undefined ? 1 : positionOf(buckets, at.value, shownPast.value?.place.wall);
  const told = hover === undefined ? undefined : bucketAt(buckets, hover);
  return (
    <div
      ref={line}
      class="strip"
      role="slider"
      tabIndex={0}
      aria-label="Moment that is shown"
      aria-valuemin={first(buckets)}
      aria-valuemax={lastSeq.value}
      aria-valuenow={at.value ?? lastSeq.value}
      aria-valuetext={at.value === undefined ? "now" : `after event ${at.value}`}
      onPointerDown={(event) => {
        line.current?.setPointerCapture(event.pointerId);
        lookThere(event);
      }}
      onPointerMove={(event) => {
        setHover(share(event));
        if (line.current?.hasPointerCapture(event.pointerId)) lookThere(event);
      }}
      onPointerLeave={() => setHover(undefined)}
      onKeyDown={step}
    >
      <svg viewBox={`0 0 ${BUCKETS} ${HEIGHT}`} preserveAspectRatio="none" aria-hidden="true">
        {bars}
      </svg>
      <Handle share={position} isPast={at.value !== undefined} />
      {told && hover !== undefined && <Tip bucket={told} share={hover} />}
      <span class="strip-end strip-first">{buckets[0] && dateText(buckets[0].wall_from)}</span>
      <span class="strip-end strip-last">now</span>
    </div>
  );
}

const first = (buckets: readonly Bucket[]): number =>
  Math.max(1, buckets.find(({ rows }) => rows > 0)?.first ?? 1);

function Bar({
  bucket,
  index,
  tallest,
}: {
  bucket: Bucket;
  index: number;
  tallest: number;
}): JSX.Element {
  if (bucket.rows === 0) return <g />;
  const tall = Math.max(2, (Math.sqrt(bucket.rows) / Math.sqrt(tallest)) * (HEIGHT - 6));
  return (
    <g>
      <rect class="bar" x={index + 0.1} width={0.8} y={HEIGHT - tall} height={tall} />
      {bucket.crashes > 0 && (
        <rect
          class="bar-crash"
          x={index}
          width={1.2}
          y={HEIGHT - Math.max(4, Math.min(1, bucket.crashes / bucket.rows) * tall)}
          height={Math.max(4, Math.min(1, bucket.crashes / bucket.rows) * tall)}
        />
      )}
      {bucket.boots > 0 && <rect class="bar-boot" x={index} width={0.7} y={0} height={HEIGHT} />}
    </g>
  );
}

function Handle({ share, isPast }: { share: number; isPast: boolean }): JSX.Element {
  return (
    <span
      class={isPast ? "handle handle-past" : "handle"}
      style={{ left: `${(share * 100).toFixed(3)}%` }}
    />
  );
}

function Tip({ bucket, share }: { bucket: Bucket; share: number }): JSX.Element {
  const side = share > 0.5 ? { right: `${(1 - share) * 100}%` } : { left: `${share * 100}%` };
  return (
    <span class="strip-tip" style={side}>
      {dateText(bucket.wall_from)} – {clockText(bucket.wall_to)}
      <br />
      {bucket.rows === 0
        ? "nothing happened"
        : `${plural(bucket.rows, "event")}, ${plural(bucket.starts, "start")}, ${plural(bucket.crashes, "crash", "crashes")}`}
    </span>
  );
}

function MomentText(): JSX.Element {
  const shown = shownPast.value;
  if (at.value === undefined) return <span class="moment">now · #{countText(lastSeq.value)}</span>;
  return (
    <span class="moment moment-past">
      {shown?.place.seq === at.value ? dateText(shown.place.wall) : "…"} · #{countText(at.value)}
    </span>
  );
}
