import type { Client, ListOptions, Service } from "../client/client.ts";
import { EXIT } from "./exit-codes.ts";
import { paint, print, say, terminalSize } from "./output.ts";
import { openScreen } from "./screen.ts";
import { serviceTable, type TableOptions } from "./service-table.ts";
import { shown } from "./shown.ts";
import { sorted, type Sort } from "./sort-services.ts";
import { watchServices } from "./watch-services.ts";
import { cutTo } from "./width.ts";

interface WatchOptions extends TableOptions {
  sort: Sort;
}

/** The table of services on a page of its own, alive, until q or Ctrl-C; what it showed last stays on the terminal. */
export async function watchOnScreen(
  client: Client,
  chosen: ListOptions,
  options: WatchOptions,
): Promise<number> {
  const { signal, quit } = untilInterrupted();
  let services: readonly Service[] = [];
  let trouble = "";
  const text = (): string => serviceTable(sorted(services, options.sort), Date.now(), options);
  const lines = () => [headLine(services, trouble), "", ...text().split("\n")];
  let screen: ReturnType<typeof openScreen> | undefined;
  const draw = (): void => screen?.draw();
  await watchServices(
    client,
    chosen,
    {
      show: (now) => {
        services = now;
        screen ??= openScreen(lines, quit);
        draw();
      },
      lost: ({ message }) => {
        trouble = message;
        draw();
      },
      found: () => {
        trouble = "";
        draw();
      },
    },
    signal,
  ).finally(() => screen?.close());
  print(text());
  return EXIT.ok;
}

function headLine(services: readonly Service[], trouble: string): string {
  const width = terminalSize().columns;
  const time = new Date().toLocaleTimeString("sv");
  if (trouble !== "") {
    return paint(
      "alarm",
      cutTo(`${time}  no daemon answers; waiting for it (as it was last)`, width),
    );
  }
  const counted = Object.entries(Object.groupBy(services, ({ state }) => state.phase));
  const phases = counted.map(([phase, list]) => `${list.length} ${phase}`).join(", ");
  const count = services.length === 1 ? "1 service" : `${services.length} services`;
  const text = `${time}  ${count}${phases && `: ${phases}`}  (q ends)`;
  return paint("bold", cutTo(text, width));
}

/** One line of JSON for each service, then one for each change: the service as it is now, or that it was deleted. */
export async function watchAsLines(
  client: Client,
  chosen: ListOptions,
  options: WatchOptions,
): Promise<number> {
  const { signal, quit } = untilInterrupted();
  process.on("SIGINT", quit);
  const before = new Map<string, string>();
  let away = false;
  await watchServices(
    client,
    chosen,
    {
      show: (services) => printChanges(before, sorted(services, options.sort)),
      lost: () => {
        if (!away) say("the daemon went away; waiting for it …");
        away = true;
      },
      found: () => {
        say("it is back");
        away = false;
      },
    },
    signal,
  );
  return EXIT.ok;
}

function printChanges(before: Map<string, string>, services: readonly Service[]): void {
  const names = new Set(services.map(({ name }) => name));
  for (const name of before.keys()) {
    if (names.has(name)) continue;
    before.delete(name);
    print(JSON.stringify({ name, deleted: true }));
  }
  for (const service of services) {
    const text = JSON.stringify(shown(service));
    if (before.get(service.name) !== text) print(text);
    before.set(service.name, text);
  }
}

function untilInterrupted(): { signal: AbortSignal; quit: () => void } {
  const ending = new AbortController();
  return { signal: ending.signal, quit: () => ending.abort() };
}
