import { readdirSync, statSync } from "node:fs";
import { join, resolve } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import { type Browser, chromium, type Page } from "playwright-core";
import { type Daemon, forEachOf, startDaemon } from "./daemon.ts";
import { writeHistory } from "./history.ts";
import { inDirectory, processorSeconds, residentMB } from "./machine.ts";
import { compared, median, type Options, type Result, Unavailable, valueAtMost } from "./result.ts";

/*
 * The page: how soon it shows something, how long a step into the past takes until it is painted, how smooth it is with 500 services, and what ten pages cost the
 * daemon. A real browser, on this machine.
 */

const PAGE = resolve(import.meta.dirname, "../dist/inspector/assets");
const ARGS = [
  "--no-sandbox",
  "--disable-gpu",
  "--disable-dev-shm-usage",
  "--disable-background-networking",
];

const sized = (pattern: RegExp): number =>
  readdirSync(PAGE)
    .filter((name) => pattern.test(name))
    .reduce((sum, name) => sum + statSync(join(PAGE, name)).size, 0) / 1_000;

async function opened(browser: Browser, daemon: Daemon): Promise<{ page: Page; ms: number }> {
  const { url } = await daemon.client.inspectorTicket();
  const page = await (
    await browser.newContext({ viewport: { width: 1440, height: 900 } })
  ).newPage();
  const began = performance.now();
  await page.goto(url);
  await page.locator("[data-service]").first().waitFor();
  return { page, ms: performance.now() - began };
}

/** Until the page has painted the moment that it was sent to. */
async function step(page: Page, seq: number): Promise<number> {
  return page.evaluate<number>(`new Promise((resolve) => {
    const began = performance.now();
    const look = () => {
      const text = document.querySelector(".moment-past")?.textContent ?? "";
      if (text.includes("#${seq.toLocaleString("en")}") && !text.startsWith("…")) requestAnimationFrame(() => resolve(performance.now() - began));
      else requestAnimationFrame(look);
    };
    location.hash = "#/?view=table&at=${seq}";
    look();
  })`);
}

/** First paint and steps over a log of so many events. */
async function overLog(
  browser: Browser,
  rows: number,
): Promise<{ paint: number; step: number; worst: number; near: number }> {
  return inDirectory(async (directory) => {
    await writeHistory(join(directory, "state"), rows, 100);
    const daemon = await startDaemon(directory);
    try {
      const paints: number[] = [];
      for (let round = 0; round < 5; round += 1) {
        const { page, ms } = await opened(browser, daemon);
        paints.push(ms);
        await page.context().close();
      }
      const { page } = await opened(browser, daemon);
      const steps: number[] = [];
      for (let round = 1; round <= 30; round += 1)
        steps.push(await step(page, 500 + ((round * 7_919) % (rows - 1_000))));
      const near: number[] = [];
      for (let round = 1, seq = Math.floor(rows / 2); round <= 30; round += 1) {
        seq += round % 3 === 0 ? -150 : 100; // as somebody who drags to and fro
        near.push(await step(page, seq));
      }
      await page.context().close();
      return {
        paint: median(paints),
        step: median(steps.slice(5)),
        worst: Math.max(...steps.slice(5)),
        near: median(near.slice(5)),
      };
    } finally {
      await daemon.kill();
    }
  });
}

/** Frames a second over some seconds. */
const frames = (page: Page): Promise<number> =>
  page.evaluate<number>(`new Promise((resolve) => {
    let count = 0;
    const began = performance.now();
    const next = () => {
      count += 1;
      if (performance.now() - began < 5000) requestAnimationFrame(next);
      else resolve((count * 1000) / (performance.now() - began));
    };
    requestAnimationFrame(next);
  })`);

/** Some hundred events a second: signals to services that take no notice of them. */
async function busy(
  daemon: Daemon,
  names: readonly string[],
  until: () => boolean,
): Promise<number> {
  let events = 0;
  while (!until()) {
    const some = Array.from(
      { length: 10 },
      (_, index) => names[(events + index) % names.length] ?? "",
    );
    await Promise.all([...some.map((name) => daemon.client.signal(name, "CONT")), pause(95)]);
    events += some.length;
  }
  return events;
}

async function withMany(browser: Browser, services: number, pages: number): Promise<Result[]> {
  return inDirectory(async (directory) => {
    const daemon = await startDaemon(directory);
    try {
      const names: string[] = [];
      await forEachOf(services, async (name) => {
        names.push(name);
        await daemon.create(name, { cmd: "sleep", args: ["1d"] });
      });
      const spent = async (seconds: number): Promise<{ share: number; rate: number }> => {
        let over = false;
        const before = processorSeconds(daemon.pid);
        const sending = busy(daemon, names, () => over);
        await pause(seconds * 1_000);
        over = true;
        const events = await sending;
        return {
          share: ((processorSeconds(daemon.pid) - before) / seconds) * 100,
          rate: events / seconds,
        };
      };
      const alone = await spent(10);
      const first = await opened(browser, daemon);
      await first.page.goto(`${new URL(first.page.url()).origin}/inspector/#/?view=graph`);
      await first.page.locator(".card").first().waitFor();
      let over = false;
      const sending = busy(daemon, names, () => over);
      const smooth = await frames(first.page);
      over = true;
      await sending;
      const before = residentMB(daemon.pid);
      for (let count = 1; count < pages; count += 1) await opened(browser, daemon);
      const all = await spent(10);
      const rate = `${Math.round(all.rate)} events/s`;
      return [
        { name: `frames a second, ${services} services`, value: smooth, unit: "fps", note: rate },
        compared(
          { name: `daemon, ${pages} pages: processor`, value: all.share, unit: "%", note: rate },
          { name: "nobody looks", value: alone.share },
        ),
        {
          name: `daemon, ${pages} pages: memory`,
          value: residentMB(daemon.pid),
          unit: "MB",
          note: `${before.toFixed(0)} with one`,
        },
      ];
    } finally {
      await daemon.end();
    }
  });
}

export async function run({ quick }: Options): Promise<Result[]> {
  const browser = await chromium
    .launch({ executablePath: "/usr/bin/chromium", args: ARGS })
    .catch(() => {
      throw new Unavailable("it needs Chromium (Debian: apt-get install chromium)");
    });
  try {
    const short = await overLog(browser, 10_000);
    const rows = quick ? 100_000 : 1_000_000;
    const long = await overLog(browser, rows);
    const many = rows.toLocaleString("en");
    return [
      {
        name: "page, compressed, without the layout library",
        value: sized(/^index-.*\.(js|css)\.br$/),
        unit: "kB",
        aim: valueAtMost(300),
      },
      {
        name: "layout library, compressed, loaded for a drawing",
        value: sized(/^elk.*\.br$/),
        unit: "kB",
      },
      compared(
        { name: `services painted, ${many} events`, value: long.paint, unit: "ms" },
        { name: "10,000 events", value: short.paint },
      ),
      compared(
        {
          name: `step into the past painted, ${many} events`,
          value: long.step,
          unit: "ms",
          aim: valueAtMost(100),
          note: `worst ${long.worst.toFixed(0)}`,
        },
        { name: "10,000 events", value: short.step },
      ),
      compared(
        {
          name: `step near the last one painted, ${many} events`,
          value: long.near,
          unit: "ms",
          aim: valueAtMost(100),
        },
        { name: "10,000 events", value: short.near },
      ),
      ...(await withMany(browser, quick ? 100 : 500, 10)),
    ];
  } finally {
    await browser.close();
  }
}
