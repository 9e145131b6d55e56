import type { JSX } from "preact";
import { useState } from "preact/hooks";
import { lastSeq } from "../data/feed.ts";
import { isLoaded, problem, serviceNamed, shownPast } from "../data/services.ts";
import { isReadOnly } from "../data/session.ts";
import { at, isPast, now } from "../data/time.ts";
import { usage } from "../data/usage.ts";
import type { EdgeCount, OurMachine, ServiceWire } from "../data/wire.ts";
import { reasonOf } from "../overview/arrange.ts";
import { Empty, Trouble } from "../parts/empty.tsx";
import { PhaseBadge } from "../parts/phase.tsx";
import { useAnswer } from "../parts/use-answer.ts";
import { changeQuery, href, place } from "../router.ts";
import { bytesText, durationText, exitText, plural } from "../words.ts";
import { Chart } from "./chart.tsx";
import { act, allowed, sendSignal, SIGNALS } from "./deeds.ts";
import { EventPanel } from "./event-panel.tsx";
import { Story } from "./story.tsx";
import { Taken } from "./taken.tsx";

/** One service: what it is, its statechart, what happened to it and what it said. */
export function ServicePage({ name }: { name: string }): JSX.Element {
  const service = serviceNamed(name);
  const isWaiting = at.value === undefined ? !isLoaded.value : shownPast.value === undefined;
  if (problem.value !== undefined && !service) return <Trouble text={problem.value} />;
  if (!service && isWaiting) return <Empty title={`Asking for ${name}…`} />;
  return (
    <div class="service">
      <Head name={name} service={service} />
      <div class="service-body">
        <ChartPanel name={name} phase={service?.state.phase} />
        <Story name={name} />
        <Side name={name} />
      </div>
    </div>
  );
}

function Head({ name, service }: { name: string; service: ServiceWire | undefined }): JSX.Element {
  if (!service)
    return (
      <div class="service-head">
        <h1>{name}</h1>
        <p>
          {isPast.value
            ? "did not exist at that moment"
            : "does not exist any more; what happened to it is below"}
        </p>
      </div>
    );
  const reason = reasonOf(service);
  return (
    <div class="service-head">
      <h1>{name}</h1>
      <PhaseBadge phase={service.state.phase} />
      {service.state.flags?.map((flag) => (
        <span key={flag} class="flag">
          {flag}
        </span>
      ))}
      <Facts service={service} />
      <span class="header-gap" />
      {!isPast.value && !isReadOnly() && <Deeds service={service} />}
      {reason !== undefined && <p class="service-reason">{reason}</p>}
    </div>
  );
}

function Facts({ service }: { service: ServiceWire }): JSX.Element {
  const { state, name } = service;
  const taken = isPast.value ? undefined : usage.value.get(name);
  const until = shownPast.value?.place.wall ?? now.value;
  const facts = [
    state.pid !== undefined &&
      state.started_at !== undefined &&
      `up ${durationText(until - Date.parse(state.started_at))}`,
    state.pid !== undefined && `pid ${state.pid}`,
    taken?.cpu !== undefined && `${(taken.cpu * 100).toFixed(1)} % cpu`,
    taken && bytesText(taken.rss),
    state.restart_count !== undefined && plural(state.restart_count, "restart"),
    state.last_exit && `last: ${exitText(state.last_exit)}`,
    `definition ${state.version}`,
    state.desired === "stopped" && "is to be stopped",
  ].filter((one) => typeof one === "string");
  return (
    <ul class="facts">
      {facts.map((fact) => (
        <li key={fact.replace(/\d+/g, "")}>{fact}</li>
      ))}
      {service.needs.map((need) => (
        <li key={need}>
          needs <a href={href(["service", need])}>{need}</a>
        </li>
      ))}
    </ul>
  );
}

const WORDS = { start: "Start", stop: "Stop", restart: "Restart" } as const;

function Deeds({ service }: { service: ServiceWire }): JSX.Element {
  return (
    <div class="deeds">
      {allowed(service).map((deed) => (
        <button
          key={deed}
          type="button"
          class="button small"
          onClick={() => void act(deed, service)}
        >
          {WORDS[deed]}
        </button>
      ))}
      {service.state.pid !== undefined && (
        <select
          class="small"
          aria-label="Send a signal"
          value=""
          onChange={(event) => {
            const signal = event.currentTarget.value;
            event.currentTarget.value = "";
            if (signal !== "") void sendSignal(service.name, signal);
          }}
        >
          <option value="">Signal…</option>
          {SIGNALS.map((signal) => (
            <option key={signal} value={signal}>
              SIG{signal}
            </option>
          ))}
        </select>
      )}
    </div>
  );
}

/** Counts are asked for anew after so many events. */
const STALE_ROWS = 10;

function ChartPanel({ name, phase }: { name: string; phase: string | undefined }): JSX.Element {
  const [isWhole, setWhole] = useState(false);
  const machines = useAnswer<{ machines: OurMachine[] }>("/v1/machines");
  const to = at.value;
  const counts = useAnswer<{ edges: EdgeCount[] }>(
    `/v1/past/edges/${encodeURIComponent(name)}`,
    { to },
    to ?? Math.floor(lastSeq.value / STALE_ROWS),
  );
  const graph = machines.value?.machines.find(({ kind }) => kind === "service")?.graph;
  return (
    <section class="panel chart-panel" aria-label="Statechart">
      <div class="panel-head">
        <h2>State machine</h2>
        <label class="check">
          <input
            type="checkbox"
            checked={isWhole}
            onChange={(event) => setWhole(event.currentTarget.checked)}
          />
          edges never taken
        </label>
      </div>
      {machines.problem !== undefined && <Trouble text={machines.problem} again={machines.again} />}
      {graph && (
        <Chart
          graph={graph}
          current={phase}
          counts={counts.value?.edges}
          showAll={isWhole}
          onEdge={(edge) => changeQuery({ edge: `${edge.from}>${edge.to}`, event: undefined })}
        />
      )}
    </section>
  );
}

/** What was clicked on last: an event, or an edge with the events that took it. */
function Side({ name }: { name: string }): JSX.Element | null {
  const { query } = place.value;
  const event = Number(query.get("event") ?? Number.NaN);
  if (Number.isSafeInteger(event)) return <EventPanel seq={event} service={name} />;
  const [from, to] = query.get("edge")?.split(">") ?? [];
  return from !== undefined && to !== undefined ? (
    <Taken service={name} from={from} to={to} />
  ) : null;
}
