import { spawn } from "node:child_process";
import { existsSync } from "node:fs";
import { delimiter, join } from "node:path";
import { defineCommand } from "citty";
import { AppError } from "../../base/errors.ts";
import { connect, jsonArgs } from "../args.ts";
import { EXIT } from "../exit-codes.ts";
import { logOf, machineArgs, type MachineFlags, requestOf } from "../machine-file.ts";
import { onTerminal, print, say } from "../output.ts";
import { pastArgs } from "../past.ts";

export const inspect = defineCommand({
  meta: {
    name: "inspect",
    description: "Open the page that shows services, their state machines and their past",
    notes: [
      "With --machine FILE a machine file is loaded from disk, and again whenever it is saved, with what the log says to it. That needs no daemon, and runs until Ctrl-C.",
      "The daemon listens for browsers of this machine alone, and stops when the last has left. The address works once, for a minute.",
    ],
    examples: [
      "sprite-env inspect",
      "sprite-env inspect --no-open",
      "sprite-env inspect --read-only",
      "sprite-env inspect --machine machines/service.ts",
      "sprite-env inspect --machine light.ts --export lightMachine",
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
    ...machineArgs,
    ...jsonArgs,
    ...pastArgs,
  },
  run: async ({ args }) => {
    if (args.machine !== undefined) return onBench({ ...args, machine: args.machine });
    for (const flag of ["export", "kind", "log", "state-dir"] as const)
      if (args[flag] !== undefined)
        throw new AppError("invalid_request", `--${flag} goes with --machine FILE`);
    const { url, address } = await connect(args).inspectorTicket({
      readOnly: args["read-only"] === true,
    });
    show(url, address, args);
    return EXIT.ok;
  },
});

/** The workbench, in this process, until somebody ends it. */
async function onBench(
  flags: MachineFlags & { open: boolean; json?: boolean | undefined },
): Promise<number> {
  const stateDirectory = await logOf(flags);
  const { beginWorkbench } = await import("../../workbench/begin.ts");
  const { url, address, ended } = await beginWorkbench({ ...requestOf(flags), stateDirectory });
  show(url, address, flags);
  await ended;
  return EXIT.ok;
}

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
