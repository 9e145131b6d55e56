import type { JSX } from "preact";
import { useState } from "preact/hooks";
import { lastSeq } from "../data/feed.ts";
import { at } from "../data/time.ts";
import { Empty, Trouble } from "../parts/empty.tsx";
import { PhaseBadge } from "../parts/phase.tsx";
import { useAnswer } from "../parts/use-answer.ts";
import { changeQuery, href, place } from "../router.ts";
import { countText, dateText, plural } from "../words.ts";
import type { BriefWire, ChangesWire, ChangeWire } from "./wire.ts";

/** What two moments differ in, and what happened between them. */
export function Compare(): JSX.Element {
  const { query } = place.value;
  const from = query.get("from") ?? "";
  const to = query.get("to") ?? "";
  const { value, problem, isAsking } = useAnswer<ChangesWire>(
    from === "" ? undefined : "/v1/past/diff",
    { from, to: to || undefined },
  );
  return (
    <div class="compare">
      <Moments from={from} to={to} />
      {problem !== undefined && <Trouble text={problem} />}
      {from === "" && (
        <Empty title="Compare two moments">
          Give the earlier one, as a time (“10 min ago”, “14:03”, “2026-11-24 22:00”) or as the
          number of an event. Without a later one it is compared with now.
        </Empty>
      )}
      {from !== "" && !value && isAsking && <Empty title="Comparing…" />}
      {value && <Changes changes={value} />}
    </div>
  );
}

function Moments({ from, to }: { from: string; to: string }): JSX.Element {
  const [earlier, setEarlier] = useState(from);
  const [later, setLater] = useState(to);
  const shown = at.value ?? lastSeq.value;
  return (
    <form
      class="toolbar"
      onSubmit={(event) => {
        event.preventDefault();
        changeQuery({ from: earlier || undefined, to: later || undefined });
      }}
    >
      <label>
        From{" "}
        <input
          value={earlier}
          placeholder="10 min ago"
          onInput={(event) => setEarlier(event.currentTarget.value)}
        />
      </label>
      <button
        type="button"
        class="button small"
        onClick={() => setEarlier(String(shown))}
        title="The moment that is shown now"
      >
        #{countText(shown)}
      </button>
      <label>
        To{" "}
        <input
          value={later}
          placeholder="now"
          onInput={(event) => setLater(event.currentTarget.value)}
        />
      </label>
      <button
        type="button"
        class="button small"
        onClick={() => setLater(String(shown))}
        title="The moment that is shown now"
      >
        #{countText(shown)}
      </button>
      <button type="submit" class="button primary small">
        Compare
      </button>
    </form>
  );
}

function Changes({ changes }: { changes: ChangesWire }): JSX.Element {
  const { from, to, boots, services, unchanged } = changes;
  return (
    <>
      <p class="note">
        From #{countText(from.seq)}, {dateText(Date.parse(from.time))}, to #{countText(to.seq)},{" "}
        {dateText(Date.parse(to.time))}: {plural(services.length, "service")} changed,{" "}
        {countText(unchanged.length)} did not
        {boots.length > 0 ? `, and the daemon booted ${plural(boots.length, "time")}` : ""}.
      </p>
      {services.length === 0 && <Empty title="Nothing differs between these moments" />}
      <div class="changes">
        {services.map((change) => (
          <Change key={change.name} change={change} />
        ))}
      </div>
    </>
  );
}

const KINDS = {
  new: "is new",
  gone: "was deleted",
  passing: "came and went",
  replaced: "was deleted and made anew",
  changed: "changed",
} as const;

function Change({ change }: { change: ChangeWire }): JSX.Element {
  const { name, change: kind, before, after, definition, starts, crashes, wishes } = change;
  return (
    <section class="panel change">
      <div class="panel-head">
        <h2>
          <a href={href(["service", name])}>{name}</a> <small>{KINDS[kind]}</small>
        </h2>
        <span class="change-states">
          {before && <PhaseBadge phase={before.phase} />}
          {before && after && "→"}
          {after && <PhaseBadge phase={after.phase} />}
        </span>
      </div>
      <ul class="facts">
        {starts > 0 && <li>{plural(starts, "start")}</li>}
        {crashes > 0 && <li>{plural(crashes, "crash", "crashes")}</li>}
        {fieldsOf(before, after).map((text) => (
          <li key={text}>{text}</li>
        ))}
        {definition.map((field) => (
          <li key={field.field}>
            {field.field}:{" "}
            {"before" in field || "after" in field
              ? `${shown(field.before)} → ${shown(field.after)}`
              : "changed"}
          </li>
        ))}
      </ul>
      {wishes.length > 0 && (
        <ul class="wishes">
          {wishes.map(({ seq, time, text }) => (
            <li key={seq}>
              <a href={href(["service", name], { event: seq })}>
                {dateText(Date.parse(time))} {text}
              </a>
            </li>
          ))}
        </ul>
      )}
    </section>
  );
}

const shown = (value: unknown): string =>
  value === undefined ? "not given" : typeof value === "string" ? value : JSON.stringify(value);

function fieldsOf(before: BriefWire | undefined, after: BriefWire | undefined): string[] {
  if (!before || !after) return [];
  const both = [
    ["wished", before.desired, after.desired],
    ["definition", before.version, after.version],
    ["pid", before.pid, after.pid],
  ] as const;
  return both
    .filter(([, was, is]) => was !== is)
    .map(([name, was, is]) => `${name} ${was ?? "none"} → ${is ?? "none"}`);
}
