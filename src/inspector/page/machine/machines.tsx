import type { JSX } from "preact";
import type { OurMachine } from "../data/wire.ts";
import { Empty, Trouble } from "../parts/empty.tsx";
import { useAnswer } from "../parts/use-answer.ts";
import { changeQuery, place } from "../router.ts";
import { plural } from "../words.ts";
import { Chart } from "../service/chart.tsx";

/** The machines this daemon runs, whole. */
export function Machines(): JSX.Element {
  const { value, problem, again } = useAnswer<{ machines: OurMachine[] }>("/v1/machines");
  if (problem !== undefined) return <Trouble text={problem} again={again} />;
  if (!value) return <Empty title="Asking for the machines…" />;
  const kind = place.value.query.get("kind") ?? "service";
  const machine = value.machines.find((one) => one.kind === kind) ?? value.machines[0];
  if (!machine) return <Empty title="This daemon has no machine" />;
  return (
    <div class="machines">
      <div class="toolbar">
        <div class="switch" role="group" aria-label="Machine">
          {value.machines.map((one) => (
            <button
              key={one.kind}
              type="button"
              aria-pressed={one === machine}
              onClick={() => changeQuery({ kind: one.kind })}
            >
              {one.kind}
            </button>
          ))}
        </div>
        <span class="shown-count">
          version {machine.version}, {plural(machine.graph.nodes.length, "state")},{" "}
          {plural(machine.graph.edges.length, "edge")}
        </span>
        <span class="header-gap" />
        <span class="note">
          To change one and see what it would do with this log:{" "}
          <code>sprite-env inspect --machine machines/service.ts</code>
        </span>
      </div>
      <Chart key={machine.kind} graph={machine.graph} current={undefined} showAll />
    </div>
  );
}
