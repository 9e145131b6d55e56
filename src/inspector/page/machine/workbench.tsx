import type { JSX } from "preact";
import { useEffect, useMemo, useState } from "preact/hooks";
import type { GraphEdge, MachineGraph } from "../../../diagram/graph.ts";
import { get, Refused } from "../data/http.ts";
import { Empty, Trouble } from "../parts/empty.tsx";
import { countText, clockText, plural } from "../words.ts";
import { Chart } from "../service/chart.tsx";
import { PaperMode } from "./paper.tsx";
import type { Differing, MachineReport, Replay } from "./workbench-wire.ts";

/** A machine file, loaded again whenever it is saved, beside what the log says. */
export function Workbench(): JSX.Element {
  const { report, problem } = useReport();
  const [state, setState] = useState<string | undefined>();
  if (problem !== undefined && !report) return <Trouble text={problem} />;
  if (!report) return <Empty title="Loading the machine…" />;
  return (
    <div class="workbench">
      <div class="workbench-chart">
        <div class="toolbar">
          <b>{report.file.split("/").at(-1)}</b>
          <span class="shown-count">
            {report.export} · loaded {clockText(report.loaded_at)}
            {report.graph &&
              ` · ${plural(report.graph.nodes.length, "state")}, ${plural(report.graph.edges.length, "edge")}`}
          </span>
        </div>
        {problem !== undefined && <Trouble text={problem} />}
        {report.error && <MachineError {...report.error} />}
        {report.graph && <MarkedChart graph={report.graph} report={report} current={state} />}
      </div>
      <div class="workbench-side">
        {report.graph && <Verdicts report={report} />}
        {report.graph && (
          <PaperMode key={report.export} loadedAt={report.loaded_at} onState={setState} />
        )}
      </div>
    </div>
  );
}

function MachineError({ message, detail }: { message: string; detail?: string }): JSX.Element {
  return (
    <div class="machine-error" role="alert">
      <b>{message}</b>
      {detail !== undefined && `\n\n${detail}`}
    </div>
  );
}

/** The report as it is, and each one that comes. */
function useReport(): { report: MachineReport | undefined; problem: string | undefined } {
  const [report, setReport] = useState<MachineReport | undefined>();
  const [problem, setProblem] = useState<string | undefined>();
  useEffect(() => {
    get<MachineReport>("/workbench/machine").then(
      (first) => setReport((later) => later ?? first),
      (error: unknown) => setProblem(error instanceof Refused ? error.message : String(error)),
    );
    const source = new EventSource("/workbench/live");
    source.addEventListener("machine", (event) => {
      setReport(JSON.parse((event as MessageEvent<string>).data) as MachineReport);
      setProblem(undefined);
    });
    source.addEventListener("open", () => setProblem(undefined));
    source.addEventListener("error", () =>
      setProblem("The workbench ended: run sprite-env inspect --machine again."),
    );
    return () => source.close();
  }, []);
  return { report, problem };
}

const pairOf = ({ from, to }: GraphEdge): string => `${from}>${to}`;

/** Edges that are gone are drawn too, between states that are left. */
function MarkedChart({
  graph,
  report,
  current,
}: {
  graph: MachineGraph;
  report: MachineReport;
  current: string | undefined;
}): JSX.Element {
  const { compared } = report;
  const { drawn, marks } = useMemo(() => {
    if (!compared) return { drawn: graph, marks: undefined };
    const known = new Set(graph.nodes.map(({ id }) => id));
    const gone = compared.edges_removed.filter(({ from, to }) => known.has(from) && known.has(to));
    const left = new Set(graph.edges.map(pairOf));
    const added = new Set([...compared.nodes_added, ...compared.edges_added.map(pairOf)]);
    const removed = new Set(gone.map(pairOf).filter((pair) => !left.has(pair)));
    return {
      drawn: {
        ...graph,
        edges: [...graph.edges, ...gone.filter((edge) => removed.has(pairOf(edge)))],
      },
      marks: { added, removed },
    };
  }, [graph, compared]);
  return (
    <Chart key={report.export} graph={drawn} current={current} showAll {...(marks && { marks })} />
  );
}

function Verdicts({ report: { reach, compared, replay } }: { report: MachineReport }): JSX.Element {
  return (
    <>
      {replay && <ReplayPanel replay={replay} />}
      {compared && <ComparedPanel compared={compared} />}
      {reach && (
        <section class="panel" aria-label="What can be reached">
          <Verdict
            isGood={reach.unreachable.length === 0}
            good="Every state can be reached"
            bad={`Cannot be reached: ${reach.unreachable.join(", ")}`}
          />
          {reach.goal !== null && (
            <Verdict
              isGood={reach.cannot_reach_goal.length === 0}
              good={`${reach.goal} can be reached from each`}
              bad={`${reach.goal} cannot be reached from ${reach.cannot_reach_goal.join(", ")}`}
            />
          )}
        </section>
      )}
    </>
  );
}

function Verdict({
  isGood,
  good,
  bad,
}: {
  isGood: boolean;
  good: string;
  bad: string;
}): JSX.Element {
  return (
    <p class="verdict">
      <span class={isGood ? "verdict-good" : "verdict-bad"} aria-hidden="true">
        {isGood ? "✓" : "✕"}
      </span>
      <span class={isGood ? "" : "verdict-bad"}>{isGood ? good : bad}</span>
    </p>
  );
}

function ReplayPanel({ replay }: { replay: Replay }): JSX.Element {
  const {
    progress,
    rows,
    streams,
    differing_rows: differing,
    differing_streams: of,
    first,
  } = replay;
  return (
    <section class="panel" aria-label="The log through this machine">
      <div class="panel-head">
        <h2>The log through this machine</h2>
        <small title={replay.log}>{replay.log.split("/").slice(-2).join("/")}</small>
      </div>
      {progress ? (
        <p class="verdict">
          <progress value={progress.done} max={progress.of} aria-label="Rows that were replayed" />{" "}
          {countText(progress.done)} of {countText(progress.of)} rows
        </p>
      ) : (
        <Verdict
          isGood={differing === 0}
          good={`All ${plural(rows, "row")} of ${plural(streams, "stream")} lead where they led`}
          bad={`${plural(differing, "row")} of ${plural(of, "stream")} would go elsewhere or come to nothing`}
        />
      )}
      {first && <First first={first} />}
    </section>
  );
}

function First({ first }: { first: Differing }): JSX.Element {
  const { seq, stream, type, recorded, now, reason, edge } = first;
  return (
    <dl class="event-facts" data-first={seq}>
      {[
        ["first", `#${seq} ${type} of ${stream.replace("service/", "")}`],
        ["was", `${recorded.from ?? "born"} → ${recorded.to}`],
        ["now", now.to === null ? `nothing: ${reason}` : `${now.from ?? "born"} → ${now.to}`],
        ...(edge === undefined ? [] : [["edge", `${edge} is gone`]]),
      ].map(([name, text]) => (
        <div key={name}>
          <dt>{name}</dt>
          <dd>{text}</dd>
        </div>
      ))}
    </dl>
  );
}

function ComparedPanel({
  compared,
}: {
  compared: NonNullable<MachineReport["compared"]>;
}): JSX.Element {
  const { against, nodes_added, nodes_removed, edges_added, edges_removed } = compared;
  const isSame = [nodes_added, nodes_removed, edges_added, edges_removed].every(
    (all) => all.length === 0,
  );
  return (
    <section class="panel" aria-label="Compared with ours">
      <div class="panel-head">
        <h2>Beside the built-in machine “{against}”</h2>
      </div>
      {isSame ? (
        <p class="verdict">The same states and edges.</p>
      ) : (
        <ul class="edge-list">
          {nodes_added.map((id) => (
            <li key={id} class="added">
              + state {id}
            </li>
          ))}
          {nodes_removed.map((id) => (
            <li key={id} class="removed">
              − state {id}
            </li>
          ))}
          {edges_added.map((edge) => (
            <li key={edge.id} class="added">
              + {edgeText(edge)}
            </li>
          ))}
          {edges_removed.map((edge) => (
            <li key={edge.id} class="removed">
              − {edgeText(edge)}
            </li>
          ))}
        </ul>
      )}
    </section>
  );
}

const edgeText = ({ from, to, event, guard }: GraphEdge): string =>
  `${from} —${event}→ ${to}${guard === undefined ? "" : ` if ${guard}`}`;
