import { leave } from "./output.ts";
import { run } from "./run.ts";

/** The entry of both binaries: see bin/launch.sh. */
void run(process.argv.slice(2)).then(leave);
