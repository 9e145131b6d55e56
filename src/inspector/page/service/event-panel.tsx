import type { JSX } from "preact";
import { useMemo, useState } from "preact/hooks";
import { at, lookAt } from "../data/time.ts";
import type { ToldEvent } from "../data/wire.ts";
import { Trouble } from "../parts/empty.tsx";
import { toneOf } from "../parts/phase.tsx";
import { useAnswer } from "../parts/use-answer.ts";
import { changeQuery, href } from "../router.ts";
import { dateText } from "../words.ts";
import { treeOf, type Twig } from "./cause-tree.ts";
import { delayText } from "./story-lines.ts";

interface Causes {
  focus: number;
  events: ToldEvent[];
  truncated: boolean;
}

/** One event: its facts, and the chain of causes it stands in. */
export function EventPanel({ seq, service }: { seq: number; service: string }): JSX.Element {
  const { value, problem, again } = useAnswer<Causes>(`/v1/past/causes/${seq}`);
  const event = value?.events.find((one) => one.seq === seq);
  return (
    <section class="panel side-panel" aria-label={`Event ${seq}`}>
      <div class="panel-head">
        <h2>
          #{seq} {event?.type}
        </h2>
        <button
          type="button"
          class="icon-button"
          aria-label="Close"
          onClick={() => changeQuery({ event: undefined })}
        >
          ×
        </button>
      </div>
      {problem !== undefined && <Trouble text={problem} again={again} />}
      {event && <Facts event={event} service={service} />}
      {value && <Tree causes={value} seq={seq} />}
    </section>
  );
}

function Facts({ event, service }: { event: ToldEvent; service: string }): JSX.Element {
  const facts: [string, string][] = [
    ["when", dateText(event.wall)],
    ["who", event.actor],
    [
      "state",
      event.from_state === event.to_state
        ? event.to_state
        : `${event.from_state ?? "born"} → ${event.to_state}`,
    ],
    ...(event.incarnation === null ? [] : [["life", event.incarnation] as [string, string]]),
  ];
  return (
    <>
      <p class="event-text">{event.text}</p>
      <dl class="event-facts">
        {facts.map(([name, text]) => (
          <div key={name}>
            <dt>{name}</dt>
            <dd>{text}</dd>
          </div>
        ))}
      </dl>
      <div class="event-buttons">
        {at.value !== event.seq && (
          <button type="button" class="button small" onClick={() => lookAt(event.seq)}>
            Look at everything after it
          </button>
        )}
        <Copy
          text={`${location.origin}${location.pathname}${href(["service", service], { event: event.seq, at: event.seq })}`}
        />
      </div>
      {Object.keys(event.data).length > 0 && (
        <pre class="event-data">{JSON.stringify(event.data, null, 2)}</pre>
      )}
    </>
  );
}

function Copy({ text }: { text: string }): JSX.Element {
  const [isDone, setDone] = useState(false);
  const copy = async (): Promise<void> => {
    await navigator.clipboard.writeText(text);
    setDone(true);
    setTimeout(() => setDone(false), 2_000);
  };
  return (
    <button type="button" class="button small" onClick={() => void copy()}>
      {isDone ? "Copied" : "Copy a link"}
    </button>
  );
}

/** Of what led to the event so many rows are shown at first. */
const NEAR = 6;

function Tree({ causes, seq }: { causes: Causes; seq: number }): JSX.Element {
  const rows = useMemo(() => treeOf(causes.events), [causes]);
  const [isWhole, setWhole] = useState(false);
  const times = new Map(causes.events.map(({ id, at: time }) => [id, time]));
  const focus = rows.findIndex(({ event }) => event.seq === seq);
  const left = isWhole ? 0 : Math.max(0, focus - NEAR - 1);
  const shown = left > 1 ? rows.filter((_, index) => index === 0 || index > left) : rows;
  return (
    <>
      <h3>Why, and what came of it</h3>
      <ol class="tree">
        {shown.map((row, index) => (
          <>
            {index === 1 && shown.length < rows.length && (
              <li key="left">
                <button type="button" class="button small" onClick={() => setWhole(true)}>
                  {left} events between
                </button>
              </li>
            )}
            <TwigLine
              key={row.event.seq}
              row={row}
              isFocus={row.event.seq === seq}
              afterMs={afterMs(row.event, times)}
            />
          </>
        ))}
      </ol>
      {causes.truncated && <p class="note">The chain is longer than what is shown.</p>}
    </>
  );
}

const afterMs = (
  { cause, at: time }: ToldEvent,
  times: ReadonlyMap<string, number>,
): number | undefined => {
  const before = cause === null ? undefined : times.get(cause);
  return before === undefined ? undefined : time - before;
};

function TwigLine({
  row: { event, depth, rails },
  isFocus,
  afterMs: delay,
}: {
  row: Twig;
  isFocus: boolean;
  afterMs: number | undefined;
}): JSX.Element {
  const name = event.stream.replace(/^service\//, "");
  return (
    <li class={isFocus ? "twig twig-focus" : "twig"} data-seq={event.seq}>
      <span class="twig-rails" aria-hidden="true">
        {rails.map((_, index) => (
          <span key={index} class={index === depth - 1 ? "rail rail-branch" : "rail rail-on"} />
        ))}
      </span>
      <a
        href={href(event.stream.startsWith("service/") ? ["service", name] : ["boots"], {
          event: event.seq,
        })}
      >
        <span class="twig-head">
          <b>{name}</b> <span class="story-type">{event.type}</span>
          {event.from_state !== event.to_state && (
            <span class={`story-move ${toneOf(event.to_state)}`}>{event.to_state}</span>
          )}
          {delay !== undefined && delay >= 1 && <span class="twig-delay">{delayText(delay)}</span>}
        </span>
        <span class="story-words">{event.text}</span>
      </a>
    </li>
  );
}
