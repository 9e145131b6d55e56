import { setTimeout as pause } from "node:timers/promises";
import axe from "axe-core";
import type { Page } from "playwright-core";
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from "vitest";
import { opened, type Seen, shot } from "../support/browser.ts";
import { writeHistory } from "../../bench/history.ts";
import { bootedSprite, Sprite } from "../support/daemon.ts";
import { seeded } from "../support/random.ts";
import { until } from "../support/until.ts";

/*
 * The page against a real daemon with real services: some that need each other, one that crashes again and again, one that is stopped. One sprite for all,
 * since nothing here changes what another test looks at, but for the last.
 */

const EVIL = "<img src=x onerror=alert(1)> \u001b[31mred\u001b[0m \u202egnp.exe";

let made: Sprite;
let seen: Seen;
let page: Page;
let origin: string;

const ticket = async (...words: string[]): Promise<string> => {
  const { stdout } = await made.cli("inspect", ...words);
  return (JSON.parse(stdout) as { url: string }).url;
};

const goTo = async (hash: string): Promise<void> => {
  await page.goto(`${origin}/inspector/${hash}`);
};

/** Names and states in the table. */
const rowsOf = (of: Page): Promise<(string | null)[][]> =>
  of
    .locator("tr[data-service]")
    .evaluateAll((all) =>
      all.map((row) => [row.getAttribute("data-service"), row.getAttribute("data-phase")]),
    );

const cardOf = (name: string) => page.locator(`[data-service="${name}"]`);

beforeAll(async () => {
  made = new Sprite();
  await made.boot();
  await made.put("db", { cmd: "sleep", args: ["1000"], labels: { tier: "data" } });
  await made.put("api", { cmd: "sleep", args: ["1000"], needs: ["db"], labels: { tier: "app" } });
  await made.put("web", {
    cmd: "sh",
    args: ["-c", `printf '%s\\n' '${EVIL}'; exec sleep 1000`],
    needs: ["api"],
  });
  await made.put("bad", {
    cmd: "sh",
    args: ["-c", "echo oops >&2; exit 3"],
    backoff: { first: "50ms", max: "200ms" },
  });
  await made.put("cron", { cmd: "sleep", args: ["1000"] });
  await made.cli("services", "stop", "cron");
  await made.untilState(
    "bad",
    "crash-loops",
    ({ flags }) => flags?.includes("crash-looping") === true,
  );
  seen = await opened();
  ({ page } = seen);
  const url = await ticket();
  origin = new URL(url).origin;
  await page.goto(url);
  await cardOf("web").waitFor();
});
afterAll(() => made.cleanUp());

/** What axe finds that keeps people out. */
async function faults(): Promise<string[]> {
  await page.evaluate(axe.source);
  const { violations } = await page.evaluate<axe.AxeResults>(
    "axe.run(document, { resultTypes: ['violations'] })",
  );
  return violations
    .filter(({ impact }) => impact === "serious" || impact === "critical")
    .map(({ id, nodes }) => `${id}: ${nodes.map(({ target }) => String(target)).join("; ")}`);
}

describe("the overview", () => {
  it("shows each service in its state, with what it needs, and follows what happens", async () => {
    await goTo("#/");
    expect(await cardOf("db").getAttribute("data-phase")).toBe("running");
    expect(await cardOf("cron").getAttribute("data-phase")).toBe("stopped");
    expect(await cardOf("bad").textContent()).toContain("crash-looping");
    expect(await page.locator('[data-need="db api"]').getAttribute("class")).toContain("need-met");
    await shot(page, "overview-light");

    await made.cli("services", "start", "cron");
    await until(
      "the card says so",
      async () => (await cardOf("cron").getAttribute("data-phase")) === "running",
    );
    await made.cli("services", "stop", "cron");
    await until(
      "the card says so",
      async () => (await cardOf("cron").getAttribute("data-phase")) === "stopped",
    );
  });

  it("is filtered by words, states and labels, and grouped", async () => {
    await goTo("#/?view=cards");
    await page.getByLabel("Filter services").fill("tier=app");
    await until("one is left", async () => (await page.locator("[data-service]").count()) === 1);
    await page.getByLabel("Filter services").fill("needs:db");
    expect(await page.locator("[data-service]").getAttribute("data-service")).toBe("api");
    await page.getByLabel("Filter services").fill("nothing is called so");
    await page.getByText("No service is like that").waitFor();
    await goTo("#/?view=cards&group=tier");
    await page.getByRole("heading", { name: "tier=data" }).waitFor();
  });
});

describe("one service", () => {
  it("shows its machine with the state it is in, how often each edge was taken, and the events that took it", async () => {
    await goTo("#/service/bad");
    const edge = page.locator('[data-edge="running>crashed"]');
    await until(
      "its crashes are counted",
      async () => Number(await edge.getAttribute("data-count")) >= 5,
    );
    await until(
      "one state is lit",
      async () => (await page.locator('[data-current="true"]').count()) === 1,
    );
    await edge.locator("text").click();
    await page.locator(".taken [data-seq]").first().click();
    await page.getByText("Why, and what came of it").waitFor();
    expect(await page.locator(".twig-focus").count()).toBe(1);
    expect(await page.locator(".twig").count()).toBeGreaterThan(2);
    await shot(page, "crash-loop");
  });

  it("shows what took an edge also where events come faster than answers", async () => {
    const other = await opened();
    onTestFinished(() => other.page.context().close());
    await other.page.goto(await ticket());
    await other.page.route("**/v1/past/taken/**", async (route) => {
      await pause(1_500);
      await route.continue().catch(() => {}); // it was taken back
    });
    const edge = encodeURIComponent("running>crashed");
    await other.page.goto(`${origin}/inspector/#/service/bad?edge=${edge}`);

    await other.page.locator(".taken [data-seq]").first().waitFor({ timeout: 30_000 });
  });

  it("shows events and output on one axis, and output never as markup", async () => {
    await goTo("#/service/web");
    const line = page.locator(".story-log code").first();
    await line.waitFor();
    expect(await line.textContent()).toBe("<img src=x onerror=alert(1)> red \\x202egnp.exe");
    expect(await page.locator(".story img").count()).toBe(0);
    await page.locator(".story-type", { hasText: "process.spawned" }).first().waitFor();
  });

  it("is started and stopped from the page, with a question where it hurts", async () => {
    await goTo("#/service/api");
    await made.cli("services", "stop", "web");
    await page.getByRole("button", { name: "Stop", exact: true }).click();
    await page.getByRole("dialog").getByText("stays stopped").waitFor();
    await page.getByRole("button", { name: "Cancel" }).click();
    expect(await made.state("api")).toMatchObject({ phase: "running" });
    await page.getByRole("button", { name: "Stop", exact: true }).click();
    await page.getByRole("button", { name: "Stop it" }).click();
    await made.untilState("api", "is stopped", ({ phase }) => phase === "stopped");
    await page.getByRole("button", { name: "Start", exact: true }).click();
    await made.untilRunning("api");
    await made.cli("services", "start", "web");
    const [wish] = made.rowsOf("api", "service.stop_requested").slice(-1);
    expect(wish?.actor).toBe("uid:0");
  });
});

describe("time", () => {
  it("shows what state --at shows, wherever the log is looked at, and comes back", async () => {
    const last = made.rows().length;
    for (const seq of [4, 9, Math.floor(last / 2), last - 3]) {
      const { stdout } = await made.cli("state", "--all", "--at", String(seq), "--json");
      const then = JSON.parse(stdout) as { name: string; state: { phase: string } }[];
      await goTo(`#/?view=table&at=${seq}`);
      await page
        .getByText(`#${seq.toLocaleString("en")}`)
        .first()
        .waitFor();
      const wanted = JSON.stringify(then.map(({ name, state }) => [name, state.phase]));
      await until(
        `the page shows ${wanted}`,
        async () => JSON.stringify(await rowsOf(page)) === wanted,
      );
    }
    await shot(page, "a-scrub");
    await page.getByRole("button", { name: /back to now/ }).click();
    await page.getByText("live", { exact: false }).first().waitFor();
    expect(new URL(page.url()).hash).not.toContain("at=");
  });

  it("goes from restart to restart, and plays", async () => {
    await goTo("#/?at=5");
    await page.getByRole("slider").waitFor();
    await page.keyboard.press("]");
    await until("it went on", () => Number(/at=(\d+)/.exec(page.url())?.[1]) > 5);
    const first = Number(/at=(\d+)/.exec(page.url())?.[1]);
    expect(made.rows()[first - 1]).toMatchObject({
      type: "process.spawn_requested",
      stream: "service/bad",
    });
    await page.getByLabel("Speed").selectOption("100");
    await page.getByRole("button", { name: "Play" }).click();
    await until("time goes on", () => Number(/at=(\d+)/.exec(page.url())?.[1] ?? Infinity) > first);
    await page.keyboard.press("l");
    await until("it is now again", () => !page.url().includes("at="));
  });

  it("compares two moments", async () => {
    await goTo("#/compare?from=3");
    await page.locator(".change").first().waitFor();
    expect(await page.locator(".change").allTextContents()).toEqual(
      expect.arrayContaining([expect.stringContaining("db is new")]),
    );
    await page.getByLabel("From").fill("yesterday at noon");
    await page.getByRole("button", { name: "Compare", exact: true }).click();
    await page.getByRole("alert").waitFor();
  });
});

describe("the page", () => {
  it("is used by keys alone: the palette finds a service and a command", async () => {
    await goTo("#/");
    await cardOf("api").waitFor();
    await page.keyboard.press("/");
    await page.getByLabel("Search").waitFor();
    await page.keyboard.type("ap");
    await page.keyboard.press("Enter");
    await page.getByRole("heading", { name: "api", exact: true }).waitFor();
    await page.keyboard.press("o");
    await page.getByLabel("Filter services").waitFor();
  });

  it.each([
    ["#/", ".card"],
    ["#/?view=table", "tr[data-service]"],
    ["#/service/bad", "[data-edge]"],
    ["#/boots", ".boot-choice"],
    ["#/compare?from=3", ".change"],
    ["#/machine", "[data-edge]"],
  ])("keeps nobody out: %s", async (hash, sign) => {
    await goTo(hash);
    await page.locator(sign).first().waitFor();
    let found = await faults();
    for (let look = 0; look < 5 && found.length > 0; look += 1) {
      await page.waitForTimeout(500); // what fades in has another contrast for a moment
      found = await faults();
    }
    expect(found).toEqual([]);
  });

  it("is readable in the dark and on a phone", async () => {
    for (const [name, options] of [
      ["overview-dark", { colorScheme: "dark" }],
      ["overview-phone", { viewport: { width: 390, height: 800 } }],
    ] as const) {
      const other = await opened(options);
      await other.page.goto(await ticket());
      await other.page.locator("[data-service]").first().waitFor();
      await shot(other.page, name);
      const isWide = await other.page.evaluate("document.documentElement.scrollWidth > innerWidth");
      expect(isWide).toBe(false);
      expect(other.complaints).toEqual([]);
      await other.page.context().close();
    }
  });

  it("complains of nothing and asks no other host", () => {
    expect(
      seen.requests.filter(
        (url) =>
          !url.startsWith(`${origin}/`) && !url.startsWith("data:") && !url.startsWith("blob:"),
      ),
    ).toEqual([]);
    expect(seen.complaints.filter((text) => !text.includes("400 (Bad Request)"))).toEqual([]); // a moment that is none was asked for
  });

  it("may look and change nothing in a read-only session", async () => {
    const other = await opened();
    await other.page.goto(await ticket("--read-only"));
    await other.page.goto(`${origin}/inspector/#/service/db`);
    await other.page.getByText("read-only").waitFor();
    expect(await other.page.getByRole("button", { name: "Stop", exact: true }).count()).toBe(0);
    const status = await other.page.evaluate(
      async () => (await fetch("/v1/services/db/stop", { method: "POST" })).status,
    );
    expect(status).toBe(403);
    await other.page.context().close();
  });

  it("says that it lost the daemon, and catches up without a gap", async () => {
    await goTo("#/?view=table");
    await page.locator("tr[data-service]").first().waitFor();
    await made.killDaemon();
    await page.getByText("lost the daemon").waitFor();
    await shot(page, "lost");
    await made.boot();
    await page.locator(".pill-live").waitFor();
    await made.cli("services", "start", "cron");
    await until(
      "it follows again",
      async () => (await cardOf("cron").getAttribute("data-phase")) === "running",
    );
  });
});

it("shows at any moment of any history what state --at shows", async () => {
  const other = new Sprite();
  onTestFinished(() => other.cleanUp());
  const rows = 3_000;
  await writeHistory(other.stateDir, rows, 20);
  await other.boot();
  const { page: its } = await opened();
  const { stdout } = await other.cli("inspect");
  const { url } = JSON.parse(stdout) as { url: string };
  await its.goto(url);
  await its.locator("[data-service]").first().waitFor();
  const random = seeded(20_261_125);
  for (let round = 0; round < 15; round += 1) {
    const seq = 30 + random.below(rows - 40);
    const said = await other.cli("state", "--all", "--at", String(seq), "--json");
    const then = JSON.parse(said.stdout) as { name: string; state: { phase: string } }[];
    await its.goto(`${new URL(url).origin}/inspector/#/?view=table&at=${seq}`);
    await its.locator(".moment-past", { hasText: `#${seq.toLocaleString("en")}` }).waitFor();
    const wanted = JSON.stringify(then.map(({ name, state }) => [name, state.phase]));
    await until(
      `the page shows ${wanted} at ${seq}`,
      async () => JSON.stringify(await rowsOf(its)) === wanted,
    );
  }
});

it("has room for fifty services", async () => {
  const other = await bootedSprite();
  for (let index = 0; index < 50; index += 1)
    await other.put(`s${String(index).padStart(2, "0")}`, {
      cmd: "sleep",
      args: ["1000"],
      needs: index < 6 ? [] : [`s${String(Math.floor(index / 3)).padStart(2, "0")}`],
      labels: { tier: ["data", "app", "front"][index % 3] ?? "" },
    });
  const { page: its, complaints } = await opened();
  const { stdout } = await other.cli("inspect");
  await its.goto((JSON.parse(stdout) as { url: string }).url);
  await until("all are drawn", async () => (await its.locator(".card").count()) === 50);
  await shot(its, "fifty-services");
  expect(complaints).toEqual([]);
});
