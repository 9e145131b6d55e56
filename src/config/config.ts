import type { ListenAddress } from "./listen.ts";
import type { LOG_LEVELS } from "./schema.ts";

/** What the daemon runs with. Paths are absolute. */
export interface Config {
  stateDir: string;
  socketPath: string;
  socketMode: number;
  /** Name or number. */
  socketGroup: string | undefined;
  /** Absent: the API does not listen for TCP. Its tokens are kept apart, since this is passed around. */
  apiListen: ListenAddress | undefined;
  /** Where browsers of this machine come in, when somebody asks. */
  inspectorListen: ListenAddress;
  /** Where the live state machines are streamed to; undefined: nowhere. */
  inspectStately: string | undefined;
  /** Names under which browsers reach the API. */
  apiHosts: readonly string[];
  logDir: string;
  logFileMode: number;
  logDirMode: number;
  logRotateBytes: number;
  logRotateKeep: number;
  logTotalBytes: number;
  logLevel: (typeof LOG_LEVELS)[number];
  logJson: boolean;
  debug: boolean;
  /** Working directory of services that name none and run as the daemon's user. */
  defaultDir: string;
  /** Whether that was chosen, and so is everybody's; else others begin in their homes. */
  isDefaultDirChosen: boolean;
  /** Name or number. */
  defaultUser: string | undefined;
  shutdownTimeoutMs: number;
  retentionAgeMs: number;
  retentionBytes: number;
  spriteName: string;
  reaper: "auto" | "on" | "off";
  /** Absent: there is no main process. */
  main: MainProcess | undefined;
  /** What a command of POST /exec gets, with or without a main process. */
  exec: ExecPlace;
  keepAliveOnError: boolean;
  apiMaxWaitMs: number;
  components: readonly ComponentConfig[];
  /** Absent: local storage. Its keys are kept apart, since this is passed around. */
  s3: S3Place | undefined;
  writeDir: string | undefined;
  /** As the file has them; absent where there is no file. */
  services: Readonly<Record<string, object>> | undefined;
  /** Absolute; absent where there is none. */
  configFile: string | undefined;
}

/** The main process, as it was given. */
export interface MainProcess {
  command: readonly string[];
  maxRetries: number;
  gracefulTimeoutMs: number;
}

/** Where and with what the main process and POST /exec run. */
export interface ExecPlace {
  /** Absolute. */
  dir: string;
  /** Whether it was named; else it is the daemon's own. */
  isDirChosen: boolean;
  /** Over the daemon's own variables. */
  env: Readonly<Record<string, string>>;
  wrapper: readonly string[];
  ttyWrapper: readonly string[];
}

/** One component: its commands, each a program with its arguments. */
export interface ComponentConfig {
  name: string;
  start: readonly string[];
  ready?: readonly string[];
  checkpoint?: readonly string[];
  restore?: readonly string[];
  /** Absolute. */
  dir: string;
}

export interface S3Place {
  endpoint: string;
  bucket: string;
  region: string;
}
