import type { Box, Layout, Link } from "../../../diagram/layout.ts";

/* The graph of needs as boxes and lines. Nothing of the page, so that tests need no browser. */

export interface Needs {
  name: string;
  needs: readonly string[];
}

export interface Arranged {
  /** Services that need somebody, or are needed. */
  linked: readonly Needs[];
  /** Those that stand alone: placed in rows below, since a layout in layers would make one long column of them. */
  alone: readonly string[];
}

export function arranged(services: readonly Needs[]): Arranged {
  const known = new Set(services.map(({ name }) => name));
  const needed = new Set(services.flatMap(({ needs }) => needs.filter((one) => known.has(one))));
  const isLinked = ({ name, needs }: Needs): boolean =>
    needed.has(name) || needs.some((one) => known.has(one));
  return {
    linked: services.filter(isLinked),
    alone: services.filter((one) => !isLinked(one)).map(({ name }) => name),
  };
}

/** Room for whether a need is met, and by what that is known. */
const LABEL = { width: 84, height: 14 } as const;

/** From what is needed to what needs it: the order of starts. */
export const linksOf = (services: readonly Needs[]): Link[] => {
  const known = new Set(services.map(({ name }) => name));
  return services.flatMap(({ name, needs }) =>
    needs
      .filter((need) => known.has(need))
      .map((need) => ({ id: `${need} → ${name}`, from: need, to: name, label: LABEL })),
  );
};

export const boxesOf = (
  services: readonly Needs[],
  size: { width: number; height: number },
): Box[] => services.map(({ name }) => ({ id: name, ...size }));

const GAP = 20;

/** Adds those that stand alone below, in as many columns as make the whole about as wide as a screen is. */
export function withAlone(
  layout: Layout | undefined,
  alone: readonly string[],
  size: { width: number; height: number },
): Layout {
  const base = layout ?? { width: 0, height: 0, boxes: new Map(), links: new Map() };
  if (alone.length === 0) return base;
  const wide = Math.ceil(Math.sqrt(alone.length * 0.7));
  const columns = Math.max(
    1,
    Math.min(alone.length, Math.max(wide, Math.floor(base.width / (size.width + GAP)))),
  );
  const boxes = new Map(base.boxes);
  const top = base.height + (base.height > 0 ? GAP : 16);
  alone.forEach((id, index) => {
    const x = 16 + (index % columns) * (size.width + GAP);
    const y = top + Math.floor(index / columns) * (size.height + GAP);
    boxes.set(id, { id, x, y, ...size });
  });
  const rows = Math.ceil(alone.length / columns);
  return {
    width: Math.max(base.width, 32 + columns * (size.width + GAP) - GAP),
    height: top + rows * (size.height + GAP) + 16 - GAP,
    boxes,
    links: base.links,
  };
}
