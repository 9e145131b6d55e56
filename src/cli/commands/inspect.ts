import { spawn } from "node:child_process";
import { existsSync } from "node:fs";
import { delimiter, join } from "node:path";
import { defineCommand } from "citty";
import { commonArgs, connect, jsonArgs } from "../args.ts";
import { onTerminal, print, say } from "../output.ts";

export const inspect = defineCommand({
  meta: {
    name: "inspect",
    description: "Open the page that shows services, their state machines and their past",
    notes: [
      "The daemon listens for browsers of this machine alone, and stops when the last has left. The address works once, for a minute.",
    ],
    examples: [
      "sprite-env inspect",
      "sprite-env inspect --no-open",
      "sprite-env inspect --read-only",
    ],
  },
  args: {
    open: {
      type: "boolean",
      default: true,
      negativeDescription: "Print the address, and start no browser",
      description: "Start a browser where there is one",
    },
    "read-only": { type: "boolean", description: "A session that may look and change nothing" },
    ...jsonArgs,
    ...commonArgs,
  },
  run: async ({ args }) => {
    const { url, address } = await connect(args).inspectorTicket({
      readOnly: args["read-only"] === true,
    });
    show(url, address, args);
  },
});

/** Prints the address, and opens it where somebody can see it. */
export function show(
  url: string,
  address: string,
  { open, json }: { open?: boolean | undefined; json?: boolean | undefined },
): void {
  if (json === true || !onTerminal()) return print(JSON.stringify({ url, address }));
  print(url);
  if (open === false) return undefined;
  if (openInBrowser(url)) return say("opened in a browser; the address above is used up by it");
  return say(
    "open it in a browser on this machine within a minute; over ssh, forward its port first",
  );
}

/** Programs that open an address in the browser of whoever sits here. */
const OPENERS = ["xdg-open", "open", "wslview"] as const;

/** @returns whether there was a program to do it, and a screen to show it on */
function openInBrowser(url: string): boolean {
  const { PATH = "", DISPLAY, WAYLAND_DISPLAY, SSH_CONNECTION } = process.env;
  const hasScreen = process.platform === "darwin" || Boolean(DISPLAY ?? WAYLAND_DISPLAY);
  if (!hasScreen || SSH_CONNECTION !== undefined) return false;
  const opener = OPENERS.find((name) =>
    PATH.split(delimiter).some((folder) => existsSync(join(folder, name))),
  );
  if (opener === undefined) return false;
  const child = spawn(opener, [url], { detached: true, stdio: "ignore" });
  child.on("error", (error) =>
    say(`${opener} could not be started: ${error.message}. Open the address by hand`),
  );
  child.unref();
  return true;
}
