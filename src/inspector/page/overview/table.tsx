import type { JSX } from "preact";
import { shownPast } from "../data/services.ts";
import { now } from "../data/time.ts";
import { usage } from "../data/usage.ts";
import type { ServiceWire } from "../data/wire.ts";
import { PhaseBadge } from "../parts/phase.tsx";
import { href } from "../router.ts";
import { bytesText, exitText, shortDuration } from "../words.ts";
import { reasonOf } from "./arrange.ts";
import { Spark } from "./spark.tsx";

/** All services, a line each. */
export function Table({ services }: { services: readonly ServiceWire[] }): JSX.Element {
  const until = shownPast.value?.place.wall ?? now.value;
  return (
    <div class="table-box">
      <table class="table">
        <thead>
          <tr>
            {["service", "state", "up", "restarts", "", "cpu", "memory", "last exit", "why"].map(
              (text, index) => (
                <th key={index} scope="col">
                  {text}
                </th>
              ),
            )}
          </tr>
        </thead>
        <tbody>
          {services.map((service) => (
            <Row key={service.name} service={service} until={until} />
          ))}
        </tbody>
      </table>
    </div>
  );
}

function Row({ service, until }: { service: ServiceWire; until: number }): JSX.Element {
  const { name, state } = service;
  const taken = shownPast.value ? undefined : usage.value.get(name);
  const isUp = state.started_at !== undefined && state.pid !== undefined;
  return (
    <tr data-service={name} data-phase={state.phase}>
      <th scope="row">
        <a href={href(["service", name])}>{name}</a>
      </th>
      <td>
        <PhaseBadge phase={state.phase} />
        {state.flags?.includes("crash-looping") && <span class="flag">crash-looping</span>}
      </td>
      <td class="number">
        {isUp ? shortDuration(until - Date.parse(state.started_at ?? "")) : ""}
      </td>
      <td class="number">{state.restart_count ?? ""}</td>
      <td>
        <Spark name={name} />
      </td>
      <td class="number">{taken?.cpu === undefined ? "" : `${(taken.cpu * 100).toFixed(1)} %`}</td>
      <td class="number">{taken ? bytesText(taken.rss) : ""}</td>
      <td>{exitText(state.last_exit) ?? ""}</td>
      <td class="reason">{reasonOf(service) ?? ""}</td>
    </tr>
  );
}
