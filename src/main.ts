import { createLogger } from "./base/logger.ts";
import { release } from "./base/parts.ts";
import { parseFlags } from "./config/flags.ts";
import { loadConfig } from "./config/load.ts";
import { thisSystem } from "./config/system.ts";
import { ended, listenForSignals, passOn } from "./daemon/signals.ts";
import { start } from "./daemon/start.ts";
import { exitNow } from "./posix/calls.ts";
import { forgetVariable } from "./posix/environment.ts";

/**
 * The daemon: from its command line to its end.
 *
 * @returns the exit code; a daemon that ran does not return but leaves by `_exit`, since a spawn that hangs would hold up an ordinary exit
 * @throws AppError what keeps it from starting
 */
export async function main(argv: readonly string[]): Promise<number> {
  const flags = parseFlags(argv);
  if (flags.version) {
    process.stdout.write(`${process.env["SPRITE_ENV_PROGRAM"] ?? "sprite-env"} ${release()}\n`);
    return 0;
  }
  const system = thisSystem(); // with its secrets, which are forgotten below
  const loaded = loadConfig(flags, system);
  const { config, notices, secretVariables, warnings } = loaded;
  secretVariables.forEach(forgetVariable);
  const logger = createLogger({ level: config.logLevel, json: config.logJson });
  for (const warning of warnings) logger.warn(warning);
  const signals = listenForSignals();
  const daemon = await start(loaded, () => loadConfig(flags, system), logger, release());
  for (const notice of notices) logger.info(notice); // a daemon that does not start says why, and nothing else
  passOn(signals, daemon, config, logger);
  const left = await ended(daemon, signals, config, logger);
  const exitCode = daemon.exitCode();
  await daemon.close();
  if (left.length > 0) logger.error({ services: left }, "could not be ended");
  logger.info("the daemon ended");
  return exitNow(exitCode);
}
