import type { JSX } from "preact";
import { lastSeq } from "../data/feed.ts";
import { lookAt } from "../data/time.ts";
import { Empty, Trouble } from "../parts/empty.tsx";
import { useAnswer } from "../parts/use-answer.ts";
import { changeQuery, href, place } from "../router.ts";
import { dateText, durationText, plural } from "../words.ts";
import type { BootDiffWire, BootServiceWire, BootStoryWire, BootWire } from "./wire.ts";

/** Boots come rarely: they are asked for anew after so many events. */
const STALE_ROWS = 100;

/** Lives of the daemon: what became of each service at each, and what two of them did differently. */
export function Boots(): JSX.Element {
  const { query } = place.value;
  const { value, problem, again } = useAnswer<BootWire[]>(
    "/v1/past/boots",
    {},
    Math.floor(lastSeq.value / STALE_ROWS),
  );
  if (problem !== undefined) return <Trouble text={problem} again={again} />;
  if (!value) return <Empty title="Reading the boots…" />;
  const newest = value.at(-1);
  if (!newest) return <Empty title="The log tells of no boot" />;
  const chosen = Number(query.get("boot") ?? newest.boot);
  const other = query.get("with") === null ? undefined : Number(query.get("with"));
  return (
    <div class="boots">
      <BootList boots={value} chosen={chosen} other={other} />
      <div class="boot-side">
        {other !== undefined && (
          <Difference from={Math.min(other, chosen)} to={Math.max(other, chosen)} />
        )}
        <div class={other === undefined ? "boot-stories" : "boot-stories boot-two"}>
          {other !== undefined && <Story boot={Math.min(other, chosen)} />}
          <Story boot={other === undefined ? chosen : Math.max(other, chosen)} />
        </div>
      </div>
    </div>
  );
}

function endText({ end }: BootWire): string {
  if (end.kind === "runs") return "runs now";
  if (end.kind === "shut down") return `shut down${end.reason ? ` by ${end.reason}` : ""}`;
  return end.kind === "killed" ? "was killed" : "no end is recorded";
}

function BootList({
  boots,
  chosen,
  other,
}: {
  boots: readonly BootWire[];
  chosen: number;
  other: number | undefined;
}): JSX.Element {
  return (
    <section class="panel boot-list" aria-label="Boots">
      <div class="panel-head">
        <h2>{plural(boots.length, "boot")}</h2>
      </div>
      <ol reversed>
        {boots.toReversed().map((boot) => (
          <li key={boot.id} class={boot.boot === chosen || boot.boot === other ? "chosen" : ""}>
            <button
              type="button"
              class="boot-choice"
              aria-pressed={boot.boot === chosen}
              onClick={() => changeQuery({ boot: boot.boot, with: undefined })}
            >
              <b>Boot {boot.boot}</b>
              <span>{dateText(Date.parse(boot.time))}</span>
              <small>
                {endText(boot)} ·{" "}
                {boot.ready_ms === undefined
                  ? "never ready"
                  : `ready after ${durationText(boot.ready_ms)}`}{" "}
                · {plural(boot.events, "event")}
                {boot.new_machine_boot ? " · the machine booted, too" : ""}
              </small>
            </button>
            {boot.boot !== chosen && (
              <button
                type="button"
                class="button small"
                onClick={() => changeQuery({ with: boot.boot })}
                title={`Compare boot ${boot.boot} with boot ${chosen}`}
              >
                Compare
              </button>
            )}
          </li>
        ))}
      </ol>
    </section>
  );
}

function Story({ boot }: { boot: number }): JSX.Element {
  const { value, problem, again } = useAnswer<BootStoryWire>(`/v1/past/boots/${boot}`);
  if (problem !== undefined) return <Trouble text={problem} again={again} />;
  if (!value) return <p class="drawing">Reading boot {boot}…</p>;
  const longest = Math.max(1, ...value.services.map(({ up_ms: up }) => up ?? 0));
  const chain = new Set(value.critical_chain.map(({ name }) => name));
  return (
    <section class="panel" aria-label={`Boot ${boot}`}>
      <div class="panel-head">
        <h2>Boot {value.boot}</h2>
        <button type="button" class="button small" onClick={() => lookAt(value.seq)}>
          Look at its beginning
        </button>
      </div>
      <p class="note">
        {dateText(Date.parse(value.time))}, release {value.release}, pid {value.pid}.{" "}
        {endText(value)}.
        {value.critical_chain.length > 0 &&
          ` The critical chain, in bold, decided when the last service was up.`}
      </p>
      {value.services.length === 0 && <p class="note">There was no service yet.</p>}
      <ul class="chart-rows">
        {value.services
          .toSorted((a, b) => (a.up_ms ?? Infinity) - (b.up_ms ?? Infinity))
          .map((service) => (
            <BootRow
              key={service.name}
              service={service}
              longest={longest}
              isChain={chain.has(service.name)}
            />
          ))}
      </ul>
    </section>
  );
}

function BootRow({
  service,
  longest,
  isChain,
}: {
  service: BootServiceWire;
  longest: number;
  isChain: boolean;
}): JSX.Element {
  const { name, decision, why, asked_ms: asked = 0, up_ms: up, failed } = service;
  const share = (ms: number): string => `${((ms / longest) * 100).toFixed(2)}%`;
  const outcome =
    up !== undefined
      ? `up after ${durationText(up)}`
      : failed !== undefined
        ? "failed"
        : decision === "leave"
          ? "left down"
          : decision === "wait"
            ? "waits"
            : "not up yet";
  return (
    <li class={isChain ? "boot-row boot-chain" : "boot-row"}>
      <a href={href(["service", name])}>{name}</a>
      <span class="boot-bar-room" aria-hidden="true">
        {up !== undefined && (
          <span
            class="boot-bar"
            style={{ left: share(asked), width: `max(3px, ${share(up - asked)})` }}
          />
        )}
      </span>
      <span class="boot-outcome">{outcome}</span>
      <small>{why}</small>
    </li>
  );
}

function Difference({ from, to }: { from: number; to: number }): JSX.Element {
  const { value, problem, again } = useAnswer<BootDiffWire>("/v1/past/boots/diff", { from, to });
  if (problem !== undefined) return <Trouble text={problem} again={again} />;
  return (
    <section class="panel" aria-label="What differs">
      <div class="panel-head">
        <h2>
          Boot {from} and boot {to}
        </h2>
        <button
          type="button"
          class="icon-button"
          aria-label="Close the comparison"
          onClick={() => changeQuery({ with: undefined })}
        >
          ×
        </button>
      </div>
      {value?.differences.length === 0 && <p class="note">Nothing differs.</p>}
      <table class="table">
        <tbody>
          {value?.differences.map(({ fact, service, before, after }) => (
            <tr key={`${fact} ${service}`}>
              <th scope="row">
                {service === undefined ? fact : <a href={href(["service", service])}>{service}</a>}
              </th>
              <td>{outcomeText(before)}</td>
              <td>→</td>
              <td>{outcomeText(after)}</td>
            </tr>
          ))}
        </tbody>
      </table>
    </section>
  );
}

interface Outcome {
  decision: "start" | "wait" | "leave";
  result: "up" | "failed" | "none";
  up_ms?: number;
  upMs?: number;
}

const LEFT = { start: "started, not up yet", wait: "waits", leave: "left down" } as const;

function outcomeText(value: unknown): string {
  if (value === undefined) return "not there";
  if (typeof value !== "object" || value === null)
    return typeof value === "string" || typeof value === "number" ? String(value) : "none";
  const { decision, result, up_ms: up, upMs } = value as Outcome;
  if (result === "up") return `up after ${durationText(up ?? upMs ?? 0)}`;
  return result === "failed" ? "failed" : LEFT[decision];
}
