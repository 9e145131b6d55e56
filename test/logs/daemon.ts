import { startServiceLogs } from "../../src/logs/service-logs.ts";
import { limits, modes } from "./limits.ts";

/** A program that reads the output of one incarnation until it is killed, as a daemon does: directory, service, incarnation. */
const [directory = "", service = "", incarnation = ""] = process.argv.slice(2);
const places = { logDir: `${directory}/logs`, runDir: `${directory}/run` };
const logs = await startServiceLogs({ ...places, ...limits, ...modes });
process.stdout.write(`${JSON.stringify(await logs.open(service, incarnation))}\n`);
