import type { ELK } from "elkjs/lib/elk-api.js";
import elk from "elkjs/lib/elk.bundled.js";
import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { machines } from "../../machines/index.ts";
import { graphOf } from "../../src/diagram/graph.ts";
import { type Layout, layOut, pathOf } from "../../src/diagram/layout.ts";
import { svgOf } from "../../src/diagram/svg.ts";

const library = new (elk as unknown as new () => ELK)();
const OPTIONS = { direction: "DOWN", between: 20, layers: 20 } as const;
const SIZE = { width: 80, height: 40 };

interface Area {
  x: number;
  y: number;
  width: number;
  height: number;
}

const overlap = (a: Area, b: Area): boolean =>
  a.x < b.x + b.width && b.x < a.x + a.width && a.y < b.y + b.height && b.y < a.y + a.height;

/** Boxes and texts that lie on each other. */
function collisions(
  layout: Layout,
  labels: ReadonlyMap<string, { width: number; height: number }>,
): string[] {
  const areas: [string, Area][] = [
    ...layout.boxes,
    ...[...layout.links].flatMap(([id, { label }]): [string, Area][] => {
      const size = labels.get(id);
      return label && size ? [[id, { ...label, ...size }]] : [];
    }),
  ];
  return areas.flatMap(([name, area], index) =>
    areas
      .slice(index + 1)
      .flatMap(([other, its]) => (overlap(area, its) ? [`${name} and ${other}`] : [])),
  );
}

describe("a layout", () => {
  it("of any graph has every box and line, and nothing lies on anything else", async () => {
    const name = fc.integer({ min: 0, max: 9 }).map(String);
    await fc.assert(
      fc.asyncProperty(
        fc.uniqueArray(fc.tuple(name, name), { selector: String, maxLength: 14 }),
        async (pairs) => {
          const boxes = Array.from({ length: 10 }, (_, index) => ({ id: String(index), ...SIZE }));
          const label = { width: 60, height: 16 };
          const links = pairs.map(([from, to]) => ({ id: `${from} ${to}`, from, to, label }));
          const layout = await layOut(library, boxes, links, OPTIONS);

          expect(layout.boxes.size).toBe(10);
          expect([...layout.links.values()].every(({ points }) => points.length >= 2)).toBe(true);
          expect(collisions(layout, new Map(links.map(({ id }) => [id, label])))).toEqual([]);
        },
      ),
      { numRuns: 25 },
    );
  });

  it("puts boxes into the boxes that hold them, and leaves out lines to what is not there", async () => {
    const boxes = [
      { id: "outer", ...SIZE },
      { id: "inner", ...SIZE, parent: "outer" },
      { id: "beside", ...SIZE },
    ];
    const layout = await layOut(
      library,
      boxes,
      [
        { id: "l", from: "beside", to: "inner" },
        { id: "x", from: "beside", to: "nobody" },
      ],
      OPTIONS,
    );
    const [outer, inner] = [layout.boxes.get("outer"), layout.boxes.get("inner")];
    if (!outer || !inner) throw new Error("both are placed");

    expect(
      inner.x > outer.x && inner.y > outer.y && inner.x + inner.width < outer.x + outer.width,
    ).toBe(true);
    expect([...layout.links.keys()]).toEqual(["l"]);
    expect(layout.links.get("l")?.points.at(-1)?.y).toBeCloseTo(inner.y, 0);
  });

  it("leads a line around corners", () => {
    expect(
      pathOf(
        [
          { x: 0, y: 0 },
          { x: 0, y: 20 },
          { x: 30, y: 20 },
        ],
        5,
      ),
    ).toBe("M0 0L0 15Q0 20 5 20L30 20");
    expect(pathOf([])).toBe("");
  });
});

describe("a picture", () => {
  it("lights the state it is in, weighs edges, and escapes what it writes", async () => {
    const graph = graphOf(machines.service.machine);
    const nodes = graph.nodes.map((node) =>
      node.id === "failed" ? { ...node, label: '<b a="1">&' } : node,
    );
    const counts = [{ from: "running", to: "crashed", event: "process.exited", count: 1_000 }];
    const text = await svgOf(library, { ...graph, nodes }, { current: "crashed", counts });

    expect(text.match(/class="state current"/g)).toHaveLength(1);
    expect(text).toContain("process.exited ×1000");
    expect(text).toContain('stroke-width="5.4"');
    expect(text).toContain("&#60;b a=&#34;1&#34;&#62;&#38;");
    expect(text.match(/class="edge never"/g)?.length).toBeGreaterThan(10);
  });
});
