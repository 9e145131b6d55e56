import type { JSX } from "preact";
import { serviceNamed, shownPast } from "../data/services.ts";
import { now } from "../data/time.ts";
import { usage } from "../data/usage.ts";
import type { ServiceWire } from "../data/wire.ts";
import { PhaseIcon, toneOf } from "../parts/phase.tsx";
import { href } from "../router.ts";
import { bytesText, exitText, plural, shortDuration } from "../words.ts";
import { reasonOf } from "./arrange.ts";
import { Spark } from "./spark.tsx";

export const CARD = { width: 220, height: 88 };

/** A service on the overview. Everything it says is of the moment that is shown. */
export function Card({
  name,
  dimmed = false,
}: {
  name: string;
  dimmed?: boolean;
}): JSX.Element | null {
  const service = serviceNamed(name);
  if (!service) return null;
  const { state } = service;
  const isLooping = state.flags?.includes("crash-looping") === true;
  return (
    <a
      class={`card ${toneOf(state.phase)}${dimmed ? " card-dimmed" : ""}${isLooping ? " card-looping" : ""}`}
      href={href(["service", name])}
      data-service={name}
      data-phase={state.phase}
    >
      <span class="card-head">
        <PhaseIcon phase={state.phase} />
        <span class="card-name" title={name}>
          {name}
        </span>
        <Since service={service} />
      </span>
      <span class="card-state">
        <span class="card-phase">{state.phase}</span>
        {isLooping && <span class="flag">crash-looping</span>}
        <Reason service={service} />
      </span>
      <span class="card-foot">
        <Load name={name} />
        <span class="card-restarts" title="Restarts in a row, and over the last hour">
          {state.restart_count ? plural(state.restart_count, "restart") : ""}
          <Spark name={name} />
        </span>
      </span>
    </a>
  );
}

function Since({ service: { state } }: { service: ServiceWire }): JSX.Element | null {
  if (state.started_at === undefined || state.pid === undefined) return null;
  const until = shownPast.value?.place.wall ?? now.value;
  const up = until - Date.parse(state.started_at);
  return (
    <span class="card-since" title={`pid ${state.pid}, up since ${state.started_at}`}>
      {shortDuration(up)}
    </span>
  );
}

/** Why it is not up; else how its last life ended. */
function Reason({ service }: { service: ServiceWire }): JSX.Element | null {
  const reason = reasonOf(service);
  const exit = exitText(service.state.last_exit);
  const text = reason ?? (exit && `last: ${exit}`);
  return text === undefined ? null : (
    <span class="card-reason" title={text}>
      {text}
    </span>
  );
}

function Load({ name }: { name: string }): JSX.Element {
  const taken = shownPast.value ? undefined : usage.value.get(name);
  return (
    <span class="card-load" title="Share of one processor, and memory">
      {taken && (
        <>
          {taken.cpu === undefined
            ? ""
            : `${(taken.cpu * 100).toFixed(taken.cpu < 0.1 ? 1 : 0)} % · `}
          {bytesText(taken.rss)}
        </>
      )}
    </span>
  );
}
