import type { JSX } from "preact";
import { useMemo } from "preact/hooks";
import { pathOf, type PlacedLink } from "../../../diagram/layout.ts";
import { serviceNamed, shape } from "../data/services.ts";
import type { ServiceWire } from "../data/wire.ts";
import { Canvas } from "../parts/canvas.tsx";
import { Trouble } from "../parts/empty.tsx";
import { useLayout } from "../parts/use-layout.ts";
import { arranged, boxesOf, linksOf, type Needs, withAlone } from "./needs.ts";
import { Card, CARD } from "./card.tsx";

/** Half of the room that the label of a line has. */
const LABEL_MIDDLE = 42;

const OPTIONS = { direction: "RIGHT", between: 20, layers: 22 } as const;

/** Services as boxes, with an arrow from each that is needed to each that needs it. Those that are filtered out stay, dimmed: they hold the drawing together. */
export function NeedsGraph({
  shown,
  isFiltered,
}: {
  shown: ReadonlySet<string>;
  isFiltered: boolean;
}): JSX.Element {
  const key = shape.value;
  const { services, linked, alone } = useMemo(() => {
    const all = (JSON.parse(key) as [string, string[]][]).map<Needs>(([name, needs]) => ({
      name,
      needs,
    }));
    return { services: all, ...arranged(all) };
  }, [key]);
  const { layout, problem } = useLayout(key, () => ({
    boxes: boxesOf(linked, CARD),
    links: linksOf(linked),
    options: OPTIONS,
  }));
  const whole = useMemo(
    () =>
      linked.length > 0 && !layout
        ? undefined
        : withAlone(linked.length > 0 ? layout : undefined, alone, CARD),
    [layout, key],
  );
  if (problem !== undefined) return <Trouble text={problem} />;
  if (!whole) return <p class="drawing">Drawing {services.length} services…</p>;
  return (
    <Canvas
      width={whole.width}
      height={whole.height}
      label="Services and what they need"
      fitKey={key}
    >
      <svg class="needs-lines" width={whole.width} height={whole.height} aria-hidden="true">
        <defs>
          <Arrow id="arrow-met" tone="met" />
          <Arrow id="arrow-waiting" tone="waiting" />
        </defs>
        {linksOf(linked).map(({ id, from, to }) => {
          const link = whole.links.get(id);
          return link && <NeedLine key={id} link={link} from={from} to={to} />;
        })}
      </svg>
      {services.map(({ name }) => {
        const box = whole.boxes.get(name);
        return (
          box && (
            <div key={name} class="placed" style={{ left: `${box.x}px`, top: `${box.y}px` }}>
              <Card name={name} dimmed={isFiltered && !shown.has(name)} />
            </div>
          )
        );
      })}
    </Canvas>
  );
}

const Arrow = ({ id, tone }: { id: string; tone: string }): JSX.Element => (
  <marker
    id={id}
    viewBox="0 0 8 8"
    refX="7"
    refY="4"
    markerWidth="8"
    markerHeight="8"
    orient="auto"
  >
    <path class={`arrow-${tone}`} d="M0 0L8 4L0 8z" />
  </marker>
);

/** What makes a service ready, in as few letters as a line has room for. */
export function readinessOf({ ready }: ServiceWire): string {
  if (!ready) return "up";
  if (ready.http !== undefined) return "http";
  if (ready.tcp !== undefined) return `tcp ${ready.tcp.split(":").at(-1)}`;
  if (ready.exec !== undefined) return "exec";
  if (ready.log !== undefined) return "log line";
  return ready.notify ? "notify" : `fd ${ready.fd}`;
}

function NeedLine({ link, from, to }: { link: PlacedLink; from: string; to: string }): JSX.Element {
  const need = serviceNamed(from);
  const isWaiting =
    serviceNamed(to)?.state.waiting_for?.includes(from) === true || need?.state.phase !== "running";
  const tone = isWaiting ? "waiting" : "met";
  return (
    <g class={`need need-${tone}`} data-need={`${from} ${to}`}>
      <path d={pathOf(link.points)} marker-end={`url(#arrow-${tone})`} />
      {link.label && (
        <text x={link.label.x + LABEL_MIDDLE} y={link.label.y + 11} text-anchor="middle">
          {need ? `${isWaiting ? "not yet" : "✓"} ${readinessOf(need)}` : ""}
        </text>
      )}
    </g>
  );
}
