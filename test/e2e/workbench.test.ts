import Database from "better-sqlite3";
import { spawn } from "node:child_process";
import { cpSync, mkdirSync, readFileSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from "vitest";
import { opened, shot } from "../support/browser.ts";
import { BIN, Sprite } from "../support/daemon.ts";
import { until } from "../support/until.ts";
import type { MachineReport as Report } from "../../src/inspector/page/machine/workbench-wire.ts";

/*
 * Machine files on the bench: ours, changed, beside a log of real services; and others. The log is that of a daemon that runs all the while.
 */

const ROOT = join(import.meta.dirname, "../..");

let made: Sprite;
let folders = 0;

beforeAll(async () => {
  made = new Sprite();
  await made.boot();
  await made.put("bad", {
    cmd: "sh",
    args: ["-c", "exit 3"],
    backoff: { first: "50ms", max: "100ms" },
  });
  await made.put("web", { cmd: "sleep", args: ["1000"] });
  await until("it crashed some times", () => made.rowsOf("bad", "process.exited").length > 3);
  await made.cli("services", "stop", "bad");
});
afterAll(() => made.cleanUp());

function folder(): string {
  const path = join(made.dir, `files-${(folders += 1)}`);
  mkdirSync(path);
  return path;
}

/** Our machines, with one text in the place of another. */
function ours(from = "", to = ""): string {
  const path = folder();
  cpSync(join(ROOT, "machines"), path, { recursive: true });
  const parts = join(path, "service-parts.ts");
  const text = readFileSync(parts, "utf8");
  expect(text).toContain(from);
  writeFileSync(parts, text.replace(from, to));
  return join(path, "service.ts");
}

/** A crash of what runs leads to `crashed` no more: the next edge, to `stopping`, is taken. */
const CRASH =
  /\{\s*guard: and\(\["current", exitIs\("retry"\)\]\),[\s\S]*?\},\n/.exec(
    readFileSync(join(ROOT, "machines/service-parts.ts"), "utf8"),
  )?.[0] ?? "";

function file(text: string, name = "light.ts"): string {
  const path = join(folder(), name);
  writeFileSync(path, text);
  return path;
}

const LIGHT = `import { createMachine, assign } from "xstate";
export const light = createMachine({
  id: "light", initial: "off", context: { count: 0 },
  states: {
    off: { on: { PUSH: { target: "on", actions: [assign({ count: ({ context }) => context.count + 1 }), "shine"] } } },
    on: { on: { PUSH: "off", BREAK: "broken" } },
    broken: { type: "final" },
  },
});
`;

const check = async (path: string, ...words: string[]) => {
  const ended = await made.cli("replay", "--check", "--machine", path, ...words);
  return {
    ...ended,
    report: ended.stdout.startsWith("{") ? (JSON.parse(ended.stdout) as Report) : undefined,
  };
};

describe("replay --check --machine", () => {
  it("finds nothing in a machine that is ours", async () => {
    const { code, report, stderr } = await check(ours());

    expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
    expect(report).toMatchObject({
      kind: "service",
      compared: { edges_added: [], edges_removed: [], nodes_added: [], nodes_removed: [] },
      replay: { differing_rows: 0, streams: 2 },
      reach: { unreachable: [], goal: "stopped", cannot_reach_goal: [] },
    });
  });

  it("names service, event and edge where an edge is gone", async () => {
    const [exit] = made.rowsOf("bad", "process.exited");
    const { code, report, stderr } = await check(ours(CRASH));

    expect(code).toBe(1);
    expect(stderr).toContain(
      `The first is event ${exit?.seq} of service/bad (process.exited): recorded is running → crashed`,
    );
    expect(stderr).toContain(
      "The edge running —process.exited→ crashed if current and exitIs(retry) is gone",
    );
    expect(report?.replay).toMatchObject({
      differing_streams: 1,
      first: { seq: exit?.seq, stream: "service/bad" },
    });
    expect(report?.replay?.differing_rows).toBe(
      made.rowsOf("bad", "process.exited").filter(({ to_state }) => to_state === "crashed").length,
    );
    expect(report?.compared?.edges_added).toEqual([]);
  });

  it("tells an edge that was added, and nothing else", async () => {
    const { code, report } = await check(
      ours(
        '"output.ended": { actions: "noteOutput" }',
        '"output.ended": { actions: "noteOutput" }, "service.nudged": {}',
      ),
    );

    expect(code).toBe(0);
    expect(report?.compared?.edges_removed).toEqual([]);
    expect(new Set(report?.compared?.edges_added.map(({ event }) => event))).toEqual(
      new Set(["service.nudged"]),
    );
    expect(report?.replay?.differing_rows).toBe(0);
  });

  it.each(["events.db", "copy.db"])(
    "takes a copied log, also by another name: %s",
    async (name) => {
      const copy = folder();
      for (const suffix of ["", "-wal"])
        cpSync(join(made.stateDir, `events.db${suffix}`), join(copy, name + suffix));
      const { code, report } = await check(ours(), "--log", join(copy, name));

      expect(code).toBe(0);
      expect(report?.replay).toMatchObject({ differing_rows: 0, streams: 2 });
    },
  );

  it.each([
    ["that throws", 'throw new Error("not today");', "not today"],
    ["with a mistake in it", "export const machine = {{;", "service.ts"],
    ["that never ends", "while (true);", "did not come back within 10 s"],
    ["that ends the process", "process.exit(7);", "ended the process with code 7"],
    ["that exports no machine", "export const machine = 1;", "exports no state machine"],
    [
      "with several machines",
      `${LIGHT}export const other = createMachine({ id: "other" });`,
      "exports 2 machines: choose one of light, other with --export",
    ],
    [
      "for which nobody has events",
      LIGHT,
      'its machine "light" takes no events of this log: say with --kind whose it is',
    ],
  ])("says what is wrong with a file %s", async (_, text, message) => {
    const { code, stderr } = await check(file(text, "service.ts"));

    expect(code).toBe(2);
    expect(stderr).toContain(message);
    expect((await made.cli("services", "list")).code).toBe(0);
  });

  it("says so where the log is of a newer release", async () => {
    const copy = folder();
    for (const name of ["events.db", "events.db-wal"])
      cpSync(join(made.stateDir, name), join(copy, name));
    const db = new Database(join(copy, "events.db"));
    db.exec(
      "DROP TRIGGER events_never_change; UPDATE events SET schema = 9 WHERE type = 'process.exited'",
    );
    db.close();
    const { code, stderr } = await check(ours(), "--log", copy);

    expect(code).toBe(2);
    expect(stderr).toContain("was written by a newer release: event ");
  });

  it("says so where a file is no log", async () => {
    const { code, stderr } = await check(ours(), "--log", file("this is no database", "copy.db"));

    expect(code).not.toBe(0);
    expect(stderr).toMatch(/^sprite-env: .*(no event log|not an event log|not a database)/);
  });

  it("says so where there is no file, no such machine, and no log", async () => {
    expect((await check(join(made.dir, "nosuch.ts"))).stderr).toContain("there is no ");
    const ended = await made.cli("inspect", "--machine", join(made.dir, "nosuch.ts"));
    expect([ended.code, ended.stderr]).toEqual([3, expect.stringContaining("there is no ")]);
    expect((await check(file(LIGHT), "--export", "dark")).stderr).toContain(
      'exports no machine called "dark": there are light',
    );
    expect((await check(ours(), "--log", "/nonexistent")).stderr).toContain(
      "there is no /nonexistent",
    );
    expect((await made.cli("replay", "--machine", "x.ts")).stderr).toContain(
      "--machine goes with --check",
    );
    expect((await made.cli("replay", "--check", "--log", "x")).stderr).toContain(
      "--log goes with --machine FILE",
    );
  });
});

/** `inspect --machine`, as a person runs it. @returns the address */
async function onBench(...words: string[]): Promise<string> {
  const child = spawn(BIN, ["inspect", ...words], {
    env: made.env,
    stdio: ["ignore", "pipe", "pipe"],
  });
  let said = "";
  child.stdout.setEncoding("utf8").on("data", (text: string) => (said += text));
  child.stderr.setEncoding("utf8").on("data", (text: string) => (said += text));
  const ended = new Promise((resolve) => child.once("exit", resolve));
  onTestFinished(async () => {
    child.kill("SIGTERM");
    expect(await ended).toBe(0);
  });
  await until(
    "it says where",
    () => said.includes("\n"),
    undefined,
    () => said,
  );
  return (JSON.parse(said) as { url: string }).url;
}

describe("inspect --machine", () => {
  it("shows a machine, what it would have done, and loads it again when it is saved", async () => {
    const path = ours();
    const { page, complaints, requests } = await opened();
    const url = await onBench("--machine", path);
    await page.goto(url);
    await page.getByText("lead where they led").waitFor();
    const parts = path.replace("service.ts", "service-parts.ts");
    writeFileSync(parts, readFileSync(parts, "utf8").replace(CRASH, ""));
    await page.getByText("would go elsewhere or come to nothing").waitFor();
    const [exit] = made.rowsOf("bad", "process.exited");
    await page.getByText(`#${exit?.seq} process.exited of bad`).waitFor();
    await page.locator(".removed", { hasText: "running —process.exited→ crashed" }).waitFor();
    await shot(page, "a-changed-machine");

    writeFileSync(path, "this is no machine");
    await page.getByRole("alert").waitFor();
    cpSync(join(ROOT, "machines/service.ts"), path);
    writeFileSync(parts, readFileSync(join(ROOT, "machines/service-parts.ts")));
    await page.getByText("lead where they led").waitFor();
    expect(complaints.filter((text) => !text.includes("400 (Bad Request)"))).toEqual([]); // on paper, while the file was no machine
    expect(requests.filter((one) => !one.startsWith(new URL(url).origin))).toEqual([]);
  });

  it("has a machine of anybody's on paper, and saves what was tried as a test that passes", async () => {
    const path = file(LIGHT);
    const { page } = await opened();
    await page.goto(await onBench("--machine", path));
    await page.getByRole("button", { name: "PUSH" }).click();
    await page.getByRole("button", { name: "Send" }).click();
    await page.locator(".paper-step", { hasText: "off → on" }).waitFor();
    await page.locator(".paper-step", { hasText: "shine()" }).waitFor();
    await page.getByLabel("Event to send").fill('{ "type": "NONE" }');
    await page.getByRole("button", { name: "Send" }).click();
    await page.getByText("not taken in on").waitFor();
    await page.getByRole("button", { name: "Take back" }).click();
    const saving = page.waitForEvent("download");
    await page.getByRole("button", { name: "Save as a test" }).click();
    const download = await saving;
    expect(download.suggestedFilename()).toBe("light.paper.test.ts");
    const test = path.replace("light.ts", "light.paper.test.ts");
    await download.saveAs(test);
    symlinkSync(join(ROOT, "node_modules"), path.replace("light.ts", "node_modules"));
    const { code, stdout } = await made.run(
      [
        join(ROOT, "node_modules/.bin/vitest"),
        "run",
        "--root",
        path.replace("/light.ts", ""),
        test,
      ],
      { PATH: `${ROOT}/node_modules/.bin:${process.env["PATH"]}` },
    );
    expect([code, stdout]).toEqual([0, expect.stringContaining("1 passed")]);
  });

  it("saves what was tried on ours in the house's form", async () => {
    const { page } = await opened();
    await page.goto(await onBench("--machine", ours()));
    const post = (path: string) =>
      page.evaluate(
        async ([to, body]) =>
          (
            await fetch(to, {
              method: "POST",
              body,
              headers: { "content-type": "application/json" },
            })
          ).json() as Promise<{ text?: string }>,
        [
          path,
          JSON.stringify({
            title: "stops what is being started",
            events: [
              { type: "service.created", definition: { cmd: "web" }, version: 1 },
              { type: "process.spawn_requested", incarnation: "in_1", machineBoot: "mb_1" },
              { type: "service.stop_requested" },
            ],
          }),
        ] as const,
      );
    await page.getByText("On paper").waitFor();
    const text = await until("the machine is there to be tried", async () => {
      const answer = await post("/workbench/paper/test");
      return answer.text ?? false;
    });
    const copy = folder();
    for (const name of ["machines", "test/support", "node_modules"]) {
      mkdirSync(join(copy, name, ".."), { recursive: true });
      symlinkSync(join(ROOT, name), join(copy, name));
    }
    mkdirSync(join(copy, "test/machines"));
    writeFileSync(join(copy, "test/machines/service.paper.test.ts"), text);
    const { code, stdout } = await made.run(
      [join(ROOT, "node_modules/.bin/vitest"), "run", "--root", copy],
      { PATH: `${ROOT}/node_modules/.bin:${process.env["PATH"]}` },
    );
    expect([code, stdout]).toEqual([0, expect.stringContaining("1 passed")]);
    expect(text).toContain("given(serviceMachine, ");
  });

  it("lets nobody in without the address", async () => {
    const { origin } = new URL(await onBench("--machine", file(LIGHT)));
    for (const path of ["/workbench/machine", "/workbench/live", "/inspector/session"])
      expect((await fetch(origin + path)).status).toBe(401);
    expect((await fetch(`${origin}/workbench/paper`, { method: "POST", body: "{}" })).status).toBe(
      401,
    );
  });
});
