import { describe, expect, it } from "vitest";
import { graphOf } from "../../src/diagram/graph.ts";
import { machines } from "../../machines/index.ts";
import {
  grouped,
  isWanted,
  labelsOf,
  reasonOf,
} from "../../src/inspector/page/overview/arrange.ts";
import { arranged, boxesOf, linksOf, withAlone } from "../../src/inspector/page/overview/needs.ts";
import { positionOf, seqAt } from "../../src/inspector/page/past/strip.ts";
import { treeOf } from "../../src/inspector/page/service/cause-tree.ts";
import { chartEdges, edgeText, widthOf } from "../../src/inspector/page/service/chart-edges.ts";
import { cleanText } from "../../src/inspector/page/service/clean-text.ts";
import { colourOf, storyOf } from "../../src/inspector/page/service/story-lines.ts";
import * as words from "../../src/inspector/page/words.ts";

type Service = Parameters<typeof isWanted>[0];

const service = (name: string, change: object = {}): Service =>
  ({
    name,
    cmd: "run",
    args: [],
    needs: [],
    state: { name, status: "running", phase: "running", desired: "running", version: 1 },
    ...change,
  }) as Service;

const event = (seq: number, change: object = {}) =>
  ({
    seq,
    id: `ev_${seq}`,
    cause: null,
    wall: seq * 1_000,
    at: seq * 1_000,
    text: "",
    ...change,
  }) as Parameters<typeof treeOf>[0][number];

describe("words", () => {
  it("have the two largest units of a time", () => {
    expect([0, 820, 1_000, 65_000, 3_600_000, 277_500_000].map(words.durationText)).toEqual([
      "0 ms",
      "820 ms",
      "1 s",
      "1 min 5 s",
      "1 h",
      "3 d 5 h",
    ]);
    expect([500, 59_000, 90_000_000].map(words.shortDuration)).toEqual(["0 s", "59 s", "1 d"]);
  });

  it("have sizes, counts and exits", () => {
    expect([999, 1_500, 34_000_000].map(words.bytesText)).toEqual(["999 B", "1.5 kB", "34 MB"]);
    expect([words.plural(1, "crash", "crashes"), words.plural(1_204, "event")]).toEqual([
      "1 crash",
      "1,204 events",
    ]);
    expect(
      [
        { code: 3 },
        { signal: "SEGV", core: true },
        { spawn_error: "no such file" },
        { oom: true },
        { unknown: true },
        {},
      ].map(words.exitText),
    ).toEqual([
      "exit 3",
      "SIGSEGV, core dumped",
      "could not start: no such file",
      "killed: out of memory",
      "ended unseen",
      undefined,
    ]);
  });
});

describe("the filter", () => {
  const web = service("web", {
    needs: ["db"],
    labels: { tier: "front" },
    state: { ...service("web").state, phase: "crashed", flags: ["crash-looping"] },
  });
  const finds = (text: string, phases: string[] = []): boolean =>
    isWanted(web, { text, phases: new Set(phases) });

  it("takes words of name, command and labels, states and needs, and wants all of them", () => {
    expect(
      ["", "we", "RUN", "tier=front", "is:crashed", "is:crash-loop", "needs:db", "web tier"].map(
        (text) => finds(text),
      ),
    ).toEqual(Array.from({ length: 8 }, () => true));
    expect(
      ["wex", "needs:cache", "is:running", "web tier=back"].map((text) => finds(text)),
    ).toEqual([false, false, false, false]);
    expect([finds("", ["crashed"]), finds("", ["running"])]).toEqual([true, false]);
  });

  it("groups by a label, those without it last", () => {
    const all = [service("a"), web, service("b", { labels: { tier: "data" } })];

    expect(labelsOf(all)).toEqual(["tier"]);
    expect(grouped(all, "tier")).toEqual([
      { value: "data", names: ["b"] },
      { value: "front", names: ["web"] },
      { value: undefined, names: ["a"] },
    ]);
  });

  it("says why something is not up", () => {
    const of = (state: object) =>
      reasonOf(service("x", { state: { ...service("x").state, ...state } }));
    expect([
      of({ waiting_for: ["db"] }),
      of({ error: "exited with code 3" }),
      of({ flags: ["unhealthy"] }),
      of({}),
    ]).toEqual(["waits for db", "exited with code 3", "up, and its health check fails", undefined]);
  });
});

describe("the graph of needs", () => {
  it("leads from what is needed to what needs it; who stands alone is placed below", () => {
    const all = [
      { name: "db", needs: [] },
      { name: "web", needs: ["db", "gone"] },
      { name: "cron", needs: [] },
    ];
    const { linked, alone } = arranged(all);
    const size = { width: 10, height: 10 };

    expect(linksOf(linked).map(({ from, to }) => [from, to])).toEqual([["db", "web"]]);
    expect(boxesOf(linked, size).map(({ id }) => id)).toEqual(["db", "web"]);
    expect(alone).toEqual(["cron"]);
    const whole = withAlone(
      { width: 100, height: 50, boxes: new Map(), links: new Map() },
      ["a", "b", "c", "d", "e"],
      size,
    );
    expect(new Set([...whole.boxes.values()].map(({ x, y }) => `${x} ${y}`)).size).toBe(5);
    expect([...whole.boxes.values()].every(({ y }) => y >= 50)).toBe(true);
  });
});

describe("the line of time", () => {
  const bucket = (first: number, last: number, from: number) => ({
    first,
    last,
    wall_from: from,
    wall_to: from + 10,
    rows: Math.max(0, last - first + 1),
    starts: 0,
    crashes: 0,
    commands: 0,
    boots: 0,
  });
  const line = [bucket(1, 4, 0), bucket(5, 4, 10), bucket(5, 8, 20), bucket(9, 8, 30)];

  it("leads from a place to a row and back", () => {
    expect([0, 0.24, 0.3, 0.5, 1].map((share) => seqAt(line, share))).toEqual([1, 4, 4, 5, 8]);
    expect([
      positionOf(line, 1),
      positionOf(line, 5),
      positionOf(line, 8),
      positionOf(line, 99),
    ]).toEqual([0, 0.5, 0.75, 1]);
    expect(positionOf(line, 6, 25)).toBe(0.625);
    expect([seqAt([], 0.5), seqAt([bucket(1, 0, 0)], 0.5)]).toEqual([undefined, undefined]);
  });
});

describe("a statechart's edges", () => {
  const graph = graphOf(machines.service.machine);

  it("are one from each state to each, with how often each event took them", () => {
    const counts = [
      {
        from: "running",
        to: "crashed",
        event: "process.exited",
        count: 5,
        last_seq: 1,
        last_wall: 1,
      },
    ];
    const edges = chartEdges(graph, counts);
    const crash = edges.find(({ id }) => id === "running>crashed");

    expect(new Set(edges.map(({ id }) => id)).size).toBe(edges.length);
    expect(edges.every(({ from, to }) => from !== to)).toBe(true);
    expect(crash?.count).toBe(5);
    expect(crash && edgeText(crash)).toEqual(["process.exited ×5"]);
    expect(edges.filter(({ count }) => count > 0)).toHaveLength(1);
    expect([0, 1, 10, 1e9].map(widthOf)).toEqual([1.25, 1.5, 2.8, 6]);
  });
});

describe("what happened and what was said", () => {
  it("stand on one axis, the newest first, with pauses told", () => {
    const line = (wall: number, text: string) => ({
      wall,
      stream: "stdout" as const,
      text,
      incarnation: "in_1",
    });
    const story = storyOf(
      [event(2), event(1)],
      [line(1_500, "a"), line(2_000, "b"), line(90_000, "c")],
    );

    expect(story.map(({ key }) => key)).toEqual([
      "l90000-2",
      "pe2",
      "e2",
      "l2000-1",
      "l1500-0",
      "e1",
    ]);
    expect(colourOf("b", ["a", "b"], 6)).toBe(1);
    expect(colourOf(null, [], 6)).toBeUndefined();
  });

  it("are plain text: sequences are left out, other controls shown, markup left as it is", () => {
    expect(cleanText("\u001b[31mred\u001b[0m \u001b]0;title\u0007x\u0000 <b>\u202eabc\tz")).toBe(
      "red x\\x00 <b>\\x202eabc\tz",
    );
  });
});

describe("the tree of causes", () => {
  it("goes straight on with what came last, and sets in what came besides", () => {
    const rows = treeOf([
      event(1),
      event(2, { cause: "ev_1" }),
      event(3, { cause: "ev_1" }),
      event(4, { cause: "ev_3" }),
      event(9, { cause: "ev_0" }),
    ]);

    expect(rows.map(({ event: { seq }, depth }) => [seq, depth])).toEqual([
      [1, 1],
      [2, 2],
      [3, 1],
      [4, 1],
      [9, 0],
    ]);
  });
});
