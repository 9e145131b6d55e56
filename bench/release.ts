import { existsSync, statSync } from "node:fs";
import { join, resolve } from "node:path";
import { BINARY, forEachOf, startDaemon } from "./daemon.ts";
import { duration } from "./list.ts";
import { inDirectory } from "./machine.ts";
import { compared, inTurn, type Options, type Result, Unavailable } from "./result.ts";

/*
 * The release for this machine: how large it is, and how soon its one file starts, beside the package, which has its files in folders.
 */

const RELEASE = resolve(import.meta.dirname, "../release");
const SERVICES = 10;

const megabytes = (file: string): number => statSync(join(RELEASE, file)).size / 1e6;

export async function run({ quick }: Options): Promise<Result[]> {
  const single = join(RELEASE, "linux-amd64/sprite-env");
  if (!existsSync(single))
    throw new Unavailable('there is no release/: run "make release-linux-amd64" first');
  const sizes: Result[] = [
    { name: "tarball, linux-amd64", value: megabytes("sprite-env-linux-amd64.tar.gz"), unit: "MB" },
    { name: "its one file", value: megabytes("linux-amd64/sprite-env"), unit: "MB" },
  ];
  return inDirectory(async (directory) => {
    const daemon = await startDaemon(directory);
    try {
      await forEachOf(SERVICES, (name) => daemon.create(name, { cmd: "sleep", args: ["1d"] }));
      const ways = {
        list: () => duration([BINARY, "services", "list"], daemon.socket),
        single: () => duration([single, "services", "list"], daemon.socket),
        events: () => duration([BINARY, "events", "--limit", "1"], daemon.socket),
        singleEvents: () => duration([single, "events", "--limit", "1"], daemon.socket),
      };
      await inTurn(1, ways);
      const took = await inTurn(quick ? 3 : 15, ways);
      return [
        ...sizes,
        compared(
          { name: "services list, one file", value: took.single, unit: "ms" },
          { name: "the package", value: took.list },
        ),
        compared(
          { name: "events, one file", value: took.singleEvents, unit: "ms" },
          { name: "the package", value: took.events },
        ),
      ];
    } finally {
      await daemon.end();
    }
  });
}
