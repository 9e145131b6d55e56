import type { JSX } from "preact";
import { useEffect, useState } from "preact/hooks";
import {
  isLoaded,
  loadServices,
  names,
  problem,
  serviceNamed,
  shownPast,
} from "../data/services.ts";
import { at } from "../data/time.ts";
import type { ServiceWire } from "../data/wire.ts";
import { Empty, Trouble } from "../parts/empty.tsx";
import { PHASES, PhaseIcon } from "../parts/phase.tsx";
import { changeQuery, place } from "../router.ts";
import { grouped, isWanted, labelsOf, type Wanted } from "./arrange.ts";
import { Card } from "./card.tsx";
import { NeedsGraph } from "./needs-graph.tsx";
import { followRestarts } from "./spark.tsx";
import { Table } from "./table.tsx";

const VIEWS = ["graph", "cards", "table"] as const;
/** On a screen narrower than so many pixels a graph is too small to read. */
const NARROW = 720;
type View = (typeof VIEWS)[number];

/** All services of the sprite. */
export function Overview(): JSX.Element {
  useEffect(followRestarts, []);
  const { query } = place.value;
  const view =
    VIEWS.find((one) => one === query.get("view")) ?? (innerWidth < NARROW ? "cards" : "graph");
  const label = query.get("group") ?? "";
  const wanted: Wanted = {
    text: query.get("find") ?? "",
    phases: new Set(query.get("state")?.split(",").filter(Boolean)),
  };
  const isWaiting = at.value === undefined ? !isLoaded.value : shownPast.value === undefined;
  if (problem.value !== undefined && names.value.length === 0)
    return <Trouble text={problem.value} again={() => void loadServices()} />;
  if (isWaiting && names.value.length === 0) return <Empty title="Asking for the services…" />;
  if (names.value.length === 0)
    return at.value === undefined ? (
      <NoServices />
    ) : (
      <Empty title="There was no service at that moment" />
    );
  const services = names.value.map(serviceNamed).filter((one) => one !== undefined);
  const shown = services.filter((one) => isWanted(one, wanted));
  return (
    <div class="overview">
      <Toolbar services={services} shown={shown.length} wanted={wanted} view={view} label={label} />
      {problem.value !== undefined && <Trouble text={problem.value} />}
      <Body view={view} label={label} services={services} shown={shown} />
    </div>
  );
}

function Body({
  view,
  label,
  services,
  shown,
}: {
  view: View;
  label: string;
  services: readonly ServiceWire[];
  shown: readonly ServiceWire[];
}): JSX.Element {
  if (shown.length === 0)
    return (
      <Empty
        title="No service is like that"
        action={{ text: "Show all", run: () => changeQuery({ find: undefined, state: undefined }) }}
      >
        {services.length} are there, and none fits what is looked for.
      </Empty>
    );
  if (view === "table") return <Table services={shown} />;
  const wanted = new Set(shown.map(({ name }) => name));
  if (view === "graph" && label === "")
    return <NeedsGraph shown={wanted} isFiltered={shown.length < services.length} />;
  const groups = label === "" ? [{ value: undefined, names: [...wanted] }] : grouped(shown, label);
  return (
    <div class="groups">
      {groups.map((group) => (
        <section key={group.value ?? ""} class="group">
          {label !== "" && (
            <h2>
              {group.value === undefined ? `without ${label}` : `${label}=${group.value}`}{" "}
              <small>{group.names.length}</small>
            </h2>
          )}
          <div class="cards">
            {group.names.map((name) => (
              <Card key={name} name={name} />
            ))}
          </div>
        </section>
      ))}
    </div>
  );
}

interface ToolbarOf {
  services: readonly ServiceWire[];
  shown: number;
  wanted: Wanted;
  view: View;
  label: string;
}

function Toolbar({ services, shown, wanted, view, label }: ToolbarOf): JSX.Element {
  const [text, setText] = useState(wanted.text);
  useEffect(() => setText(wanted.text), [wanted.text]);
  const labels = labelsOf(services);
  return (
    <div class="toolbar">
      <input
        type="search"
        class="filter"
        placeholder="Filter: name, label=value, needs:db"
        aria-label="Filter services"
        value={text}
        onInput={(event) => {
          setText(event.currentTarget.value);
          changeQuery({ find: event.currentTarget.value || undefined }, true);
        }}
      />
      <div class="chips" role="group" aria-label="States">
        {PHASES.map((phase) => (
          <Chip
            key={phase}
            phase={phase}
            count={services.filter(({ state }) => state.phase === phase).length}
            wanted={wanted}
          />
        ))}
      </div>
      <span class="header-gap" />
      <span class="shown-count">
        {shown === services.length ? `${shown} services` : `${shown} of ${services.length}`}
      </span>
      {labels.length > 0 && (
        <label class="group-by">
          <span>Group by</span>
          <select
            value={label}
            onChange={(event) =>
              changeQuery({ group: event.currentTarget.value || undefined }, true)
            }
          >
            <option value="">nothing</option>
            {labels.map((one) => (
              <option key={one} value={one}>
                {one}
              </option>
            ))}
          </select>
        </label>
      )}
      <div class="switch" role="group" aria-label="How they are shown">
        {VIEWS.map((one) => (
          <button
            key={one}
            type="button"
            aria-pressed={one === view}
            onClick={() =>
              changeQuery(
                {
                  view: one,
                  ...(one === "graph" && { group: undefined }),
                },
                true,
              )
            }
          >
            {one}
          </button>
        ))}
      </div>
    </div>
  );
}

function Chip({
  phase,
  count,
  wanted: { phases },
}: {
  phase: string;
  count: number;
  wanted: Wanted;
}): JSX.Element | null {
  if (count === 0 && !phases.has(phase)) return null;
  const turn = (): void => {
    const next = new Set(phases);
    if (!next.delete(phase)) next.add(phase);
    changeQuery({ state: [...next].join(",") || undefined }, true);
  };
  return (
    <button type="button" class="chip" aria-pressed={phases.has(phase)} onClick={turn}>
      <PhaseIcon phase={phase} size={14} /> {phase} <b>{count}</b>
    </button>
  );
}

function NoServices(): JSX.Element {
  return (
    <Empty title="No service yet">
      Make one on the command line, and it appears here:{" "}
      <code>sprite-env create web --cmd python3 -- -m http.server 3000</code>
    </Empty>
  );
}
