import { existsSync, mkdirSync } from "node:fs";
import { join } from "node:path";
import { type Browser, type BrowserContextOptions, chromium, type Page } from "playwright-core";
import { afterAll } from "vitest";

/** Debian's. */
const CHROMIUM = "/usr/bin/chromium";

/** Where there is none, tests of pages are skipped; in CI that is a failure. */
export const hasBrowser = existsSync(CHROMIUM);

/** Where pictures of a run are kept. */
const SHOTS = join(import.meta.dirname, "../../artifacts/screenshots");

let browser: Promise<Browser> | undefined;
afterAll(async () => (await browser)?.close());

/** A page, and everything it complained about or asked for. */
export interface Seen {
  page: Page;
  complaints: string[];
  requests: string[];
}

/** A page of a real browser, one that does nothing in the background. */
export async function opened(options: BrowserContextOptions = {}): Promise<Seen> {
  browser ??= chromium.launch({
    executablePath: CHROMIUM,
    args: [
      "--no-sandbox",
      "--disable-gpu",
      "--disable-dev-shm-usage",
      "--disable-background-networking",
    ],
  });
  const context = await (
    await browser
  ).newContext({ viewport: { width: 1440, height: 900 }, ...options });
  context.setDefaultTimeout(90_000); // a busy machine paints late
  const page = await context.newPage();
  const seen: Seen = { page, complaints: [], requests: [] };
  page.on("console", (message) => {
    if (message.type() === "error" || message.type() === "warning")
      seen.complaints.push(message.text());
  });
  page.on("pageerror", (error) => void seen.complaints.push(error.message));
  page.on("request", (request) => void seen.requests.push(request.url()));
  return seen;
}

/** Keeps a picture of what is shown. */
export async function shot(page: Page, name: string): Promise<void> {
  mkdirSync(SHOTS, { recursive: true });
  await page.screenshot({ path: join(SHOTS, `${name}.png`) });
}
