/*
 * What the API takes and gives, as types. Made by scripts/client-types.ts from the schemas in src/api; a test holds it to them.
 * Imports nothing, so that it can be shipped as it stands.
 */

/** A whole definition, as it is written. null is the same as absent. */
export interface ServiceDefinition {
  /** Only the name in the path. 1 to 63 of A-Z, a-z, 0-9, _, . and -, beginning with a letter or digit, and not signal. */
  name?: string;
  /** The program alone, as a path or a name on PATH; arguments go in args. */
  cmd: string;
  /** A list of texts, at most 10000. */
  args?: string[] | null;
  /** An object of names with texts, at most 1000. */
  env?: {
    [name: string]:
      | string
      | {
          $env: string;
        };
  } | null;
  /** Nothing, since names without values cannot be written: give env. */
  env_names?: unknown;
  /** An absolute path. */
  dir?: string | null;
  /** A list of at most 100 different names of services. */
  needs?: string[] | null;
  http_port?: number | null;
  /** Another spelling of http_port. */
  httpPort?: number | null;
  /** The name or number of a user. */
  user?: number | string | null;
  /** The name or number of a group. */
  group?: number | string | null;
  /** An octal number as text, up to "0777", such as "0027". */
  umask?: string | null;
  /** An absolute path. */
  env_file?: string | null;
  /** Default: "always". */
  restart?: "always" | "on-failure" | "never" | null;
  /** A list of different whole numbers from 0 to 255. */
  success_exit_codes?: number[] | null;
  /** How long to wait before the next try, and how that grows. */
  backoff?: {
    /** A duration such as 500ms, 5s, 1m30s or 2h, not negative. Default: "200ms". */
    first?: string;
    /** Default: 2. */
    factor?: number;
    /** A duration such as 500ms, 5s, 1m30s or 2h, not negative. Default: "30s". */
    max?: string;
    /** Default: 0.2. */
    jitter?: number;
    /** A duration such as 500ms, 5s, 1m30s or 2h, not negative. Default: "30s". */
    reset_after?: string;
  } | null;
  max_failures?: number | null;
  /** A duration such as 500ms, 5s or 1m30s, more than 0. Default: "1m0s". */
  window?: string | null;
  /** The name of a signal, such as INT, or its number as text. Default: "TERM". */
  stop_signal?: string | null;
  /** A duration such as 500ms, 5s, 1m30s or 2h, not negative. Default: "10s". */
  stop_timeout?: string | null;
  /** A program and its arguments as a list. */
  stop_command?: string[] | null;
  /** How a service shows that it is ready; until then it is `starting`, and what needs it waits. An object with exactly one of http, tcp, exec, log, notify and fd. */
  ready?: {
    /** A GET that must be answered with 200 to 399. A URL such as "http://localhost:3000/healthz", or {"port": 3000, "path": "/healthz"}. */
    http?:
      | string
      | {
          port: number;
          path?: string;
          /** A host name or address. */
          host?: string;
        };
    /** A connection that must be accepted. A port, "localhost:5432", or {"port": 5432}. */
    tcp?:
      | number
      | string
      | {
          port: number;
          /** A host name or address. */
          host?: string;
        };
    /** A command that must exit with 0. A program and its arguments as a list. */
    exec?: string[];
    /** A line of its output must hold this text. Text of 1 to 1024 characters, without line breaks. */
    log?: string;
    /** It must send READY=1 to the socket that NOTIFY_SOCKET names, as for systemd. True. */
    notify?: true;
    /** It must write a newline to this descriptor, as for s6. A whole number from 3 to 1023. */
    fd?: number;
  } | null;
  /** A duration such as 500ms, 5s or 1m30s, more than 0. Default: "1m0s". */
  ready_timeout?: string | null;
  /** How a running service is asked whether it is well. Past `failures` in a row its process is ended, which counts as a crash. An object with one of http, tcp and exec, and maybe every, timeout and failures. */
  health?: {
    /** A GET that must be answered with 200 to 399. A URL such as "http://localhost:3000/healthz", or {"port": 3000, "path": "/healthz"}. */
    http?:
      | string
      | {
          port: number;
          path?: string;
          /** A host name or address. */
          host?: string;
        };
    /** A connection that must be accepted. A port, "localhost:5432", or {"port": 5432}. */
    tcp?:
      | number
      | string
      | {
          port: number;
          /** A host name or address. */
          host?: string;
        };
    /** A command that must exit with 0. A program and its arguments as a list. */
    exec?: string[];
    /** A duration such as 500ms, 5s or 1m30s, more than 0. Default: "10s". */
    every?: string;
    /** A duration such as 500ms, 5s or 1m30s, more than 0. Default: "5s". */
    timeout?: string;
    /** Default: 3. */
    failures?: number;
  } | null;
  /** Default: false. */
  oneshot?: boolean | null;
  /** A list of at most 100 different paths, absolute or from the service's directory. */
  watch?: string[] | null;
  /** An object of names with texts, at most 64. */
  labels?: {
    [name: string]: string;
  } | null;
  /** Taken and left aside, so that what was read can be written back. */
  state?: unknown;
}

/** A service as it is shown: its definition and its state. */
export interface Service {
  name: string;
  cmd: string;
  args: string[];
  /** To whoever may change the service. */
  env?: {
    [name: string]:
      | string
      | {
          $env: string;
        };
  };
  /** In lists, and where values are not shown. */
  env_names?: string[];
  dir?: string;
  needs: string[];
  http_port?: number;
  /** Name or number. */
  user?: string;
  /** Name or number. */
  group?: string;
  /** Octal, four digits. */
  umask?: string;
  env_file?: string;
  restart?: "always" | "on-failure" | "never";
  success_exit_codes?: number[];
  /** How long to wait before the next try, and how that grows. */
  backoff?: {
    /** A duration such as 500ms, 5s, 1m30s or 2h, not negative. Default: "200ms". */
    first?: string;
    /** Default: 2. */
    factor?: number;
    /** A duration such as 500ms, 5s, 1m30s or 2h, not negative. Default: "30s". */
    max?: string;
    /** Default: 0.2. */
    jitter?: number;
    /** A duration such as 500ms, 5s, 1m30s or 2h, not negative. Default: "30s". */
    reset_after?: string;
  };
  max_failures?: number;
  window?: string;
  /** Without SIG. */
  stop_signal?: string;
  stop_timeout?: string;
  stop_command?: string[];
  ready?: {
    http?: string;
    tcp?: string;
    exec?: string[];
    log?: string;
    notify?: true;
    fd?: number;
  };
  ready_timeout?: string;
  health?: {
    http?: string;
    tcp?: string;
    exec?: string[];
    every?: string;
    timeout?: string;
    failures?: number;
  };
  oneshot?: boolean;
  watch?: string[];
  labels?: {
    [name: string]: string;
  };
  state: {
    name: string;
    status: "stopped" | "starting" | "running" | "stopping" | "failed";
    pid?: number;
    /** RFC 3339, nine fraction digits. */
    started_at?: string;
    error?: string;
    restart_count?: number;
    /** RFC 3339, nine fraction digits. */
    next_restart_at?: string;
    phase:
      | "pending"
      | "starting"
      | "running"
      | "crashed"
      | "restarting"
      | "stopping"
      | "stopped"
      | "failed";
    desired: "running" | "stopped";
    flags?: string[];
    waiting_for?: string[];
    last_exit?: {
      code?: number;
      signal?: string;
      core?: boolean;
      oom?: boolean;
      spawn_error?: string;
      /** Nobody saw how it ended. */
      unknown?: boolean;
    };
    version: number;
  };
}

/** One line of a command's reply. */
export interface StreamLine {
  type:
    | "pending"
    | "started"
    | "stdout"
    | "stderr"
    | "exit"
    | "error"
    | "stopping"
    | "stopped"
    | "complete";
  data?: string;
  exit_code?: number;
  message?: string;
  log_files?: {
    combined: string;
    stderr: string;
    stdout: string;
  };
  /** Milliseconds since the epoch. */
  timestamp: number;
}

/** One row of the event log. What each type means: docs/events.md. */
export interface EventRecord {
  /** Its place in the log: no gaps, no repeats. */
  seq: number;
  id: string;
  /** kind/name, such as service/web. */
  stream: string;
  /** Its place in its stream. */
  version: number;
  /** Such as process.exited: see docs/events.md. */
  type: string;
  /** Version of the machine that took it. */
  schema: number;
  data: {
    [name: string]: unknown;
  };
  /** Milliseconds that never go back, for sums. */
  at: number;
  /** Milliseconds since the epoch, as the wall clock had it. */
  wall: number;
  /** Which life of the daemon. */
  boot_id: string;
  /** Which life of a process. */
  incarnation: string | null;
  /** Id of the event that led to it. */
  cause: string | null;
  /** Id of the first event of the chain. */
  correlation: string;
  /** Who asked: uid:1000, token:ci, runtime. */
  actor: string;
  /** null: a birth. */
  from_state: string | null;
  to_state: string;
  prev_hash: string;
  /** SHA-256 over prev_hash and every other column. */
  hash: string;
}

/** Where the event log begins and ends. */
export interface LogHead {
  /** Of the last event; 0 where there is none. */
  seq: number;
  /** Of the last event: keep it for audit verify --head. */
  hash: string;
  /** Seq of the first event that is left. */
  first: number;
  /** The daemon's state directory, to whoever is on its machine. */
  state_dir?: string;
}

/** A way into the inspector for a browser. */
export interface InspectorTicket {
  /** Good once, for a minute. */
  url: string;
  expires_in_s: number;
  /** Where the page is served. */
  address: string;
}

/** A component as it is shown. */
export interface Component {
  name: string;
  phase: "pending" | "starting" | "ready" | "ending" | "crashed" | "draining" | "stopped";
  pid?: number;
  started_at?: string;
  restart_count: number;
  error?: string;
  /** Its start ended with 0, and what that started is the component. */
  detached: boolean;
  next_restart_at?: string;
  last_exit?: {
    code?: number;
    signal?: string;
    core?: boolean;
    oom?: boolean;
    spawn_error?: string;
    /** Nobody saw how it ended. */
    unknown?: boolean;
  };
  waiting_for?: string[];
  log_file: string;
}

/** What the configuration file leads to. */
export interface ConfigPlan {
  /** The file, absolute. */
  file: string;
  /** In the order in which they start; those that go, last. */
  components: {
    name: string;
    action: "create" | "change" | "move" | "delete" | "same";
    /** Whether what runs of it is ended, and started anew. */
    restarts: boolean;
  }[];
  services: {
    name: string;
    action: "create" | "change" | "delete" | "start" | "drift" | "same";
    /** Whether its process is ended, and another started. */
    restarts: boolean;
    /** Whether somebody changed it by a command since. */
    drifted: boolean;
    /** Fields of its definition that differ. */
    fields: string[];
  }[];
  /** Keys that say something else than when the daemon began: the next daemon heeds them. */
  other_keys: string[];
}

/** What services take of the machine. */
export interface Usage {
  /** When it was looked at: milliseconds of a clock that never goes back. */
  at: number;
  /** By name; one without a process is not there. */
  services: {
    [name: string]: {
      /** Processor time of its present processes so far. */
      cpu_ms: number;
      rss_bytes: number;
      processes: number;
    };
  };
}

/** The state machines of the daemon, as graphs. */
export interface Machines {
  machines: {
    /** Of its streams: service, environment. */
    kind: string;
    /** As events have it in `schema`. */
    version: number;
    graph: {
      id: string;
      version?: number;
      initial: string;
      nodes: {
        id: string;
        label: string;
        kind: "atomic" | "compound" | "parallel" | "final" | "history";
        parent?: string;
        entry: string[];
        exit: string[];
        tags: string[];
        description?: string;
      }[];
      edges: {
        id: string;
        from: string;
        to: string;
        event: string;
        kind: "event" | "always" | "after" | "done" | "error";
        guard?: string;
        actions: string[];
        effects: string[];
        isInternal?: boolean;
      }[];
    };
  }[];
}

/** Where the log begins and ends. */
export interface PastSpan {
  first: {
    seq: number;
    /** Milliseconds of the log's own clock. */
    at: number;
    wall: number;
  };
  last: {
    seq: number;
    /** Milliseconds of the log's own clock. */
    at: number;
    wall: number;
  };
  rows: number;
}

/** The log in pieces. */
export interface PastStrip {
  by: string;
  buckets: {
    first: number;
    /** Below `first` where nothing happened. */
    last: number;
    wall_from: number;
    wall_to: number;
    rows: number;
    starts: number;
    crashes: number;
    commands: number;
    boots: number;
  }[];
}

/** What every service was at a moment. */
export interface PastState {
  place: {
    seq: number;
    /** Milliseconds of the log's own clock. */
    at: number;
    wall: number;
  };
  boot: {
    number: number;
    id: string;
  } | null;
  /** State of the environment. */
  sprite: string;
  services: {
    name: string;
    cmd: string;
    args: string[];
    /** To whoever may change the service. */
    env?: {
      [name: string]:
        | string
        | {
            $env: string;
          };
    };
    /** In lists, and where values are not shown. */
    env_names?: string[];
    dir?: string;
    needs: string[];
    http_port?: number;
    /** Name or number. */
    user?: string;
    /** Name or number. */
    group?: string;
    /** Octal, four digits. */
    umask?: string;
    env_file?: string;
    restart?: "always" | "on-failure" | "never";
    success_exit_codes?: number[];
    /** How long to wait before the next try, and how that grows. */
    backoff?: {
      /** A duration such as 500ms, 5s, 1m30s or 2h, not negative. Default: "200ms". */
      first?: string;
      /** Default: 2. */
      factor?: number;
      /** A duration such as 500ms, 5s, 1m30s or 2h, not negative. Default: "30s". */
      max?: string;
      /** Default: 0.2. */
      jitter?: number;
      /** A duration such as 500ms, 5s, 1m30s or 2h, not negative. Default: "30s". */
      reset_after?: string;
    };
    max_failures?: number;
    window?: string;
    /** Without SIG. */
    stop_signal?: string;
    stop_timeout?: string;
    stop_command?: string[];
    ready?: {
      http?: string;
      tcp?: string;
      exec?: string[];
      log?: string;
      notify?: true;
      fd?: number;
    };
    ready_timeout?: string;
    health?: {
      http?: string;
      tcp?: string;
      exec?: string[];
      every?: string;
      timeout?: string;
      failures?: number;
    };
    oneshot?: boolean;
    watch?: string[];
    labels?: {
      [name: string]: string;
    };
    state: {
      name: string;
      status: "stopped" | "starting" | "running" | "stopping" | "failed";
      pid?: number;
      /** RFC 3339, nine fraction digits. */
      started_at?: string;
      error?: string;
      restart_count?: number;
      /** RFC 3339, nine fraction digits. */
      next_restart_at?: string;
      phase:
        | "pending"
        | "starting"
        | "running"
        | "crashed"
        | "restarting"
        | "stopping"
        | "stopped"
        | "failed";
      desired: "running" | "stopped";
      flags?: string[];
      waiting_for?: string[];
      last_exit?: {
        code?: number;
        signal?: string;
        core?: boolean;
        oom?: boolean;
        spawn_error?: string;
        /** Nobody saw how it ended. */
        unknown?: boolean;
      };
      version: number;
    };
    as_of?: {
      [name: string]: unknown;
    };
    last_event?: {
      [name: string]: unknown;
    };
  }[];
  note?: string;
}

/** The event that was looked for. */
export interface PastJump {
  event: {
    /** Its place in the log: no gaps, no repeats. */
    seq: number;
    id: string;
    /** kind/name, such as service/web. */
    stream: string;
    /** Its place in its stream. */
    version: number;
    /** Such as process.exited: see docs/events.md. */
    type: string;
    /** Version of the machine that took it. */
    schema: number;
    data: {
      [name: string]: unknown;
    };
    /** Milliseconds that never go back, for sums. */
    at: number;
    /** Milliseconds since the epoch, as the wall clock had it. */
    wall: number;
    /** Which life of the daemon. */
    boot_id: string;
    /** Which life of a process. */
    incarnation: string | null;
    /** Id of the event that led to it. */
    cause: string | null;
    /** Id of the first event of the chain. */
    correlation: string;
    /** Who asked: uid:1000, token:ci, runtime. */
    actor: string;
    /** null: a birth. */
    from_state: string | null;
    to_state: string;
    prev_hash: string;
    /** SHA-256 over prev_hash and every other column. */
    hash: string;
    /** The event in words. */
    text: string;
  } | null;
}

/** Events in words, the newest first. */
export interface PastEvents {
  events: {
    /** Its place in the log: no gaps, no repeats. */
    seq: number;
    id: string;
    /** kind/name, such as service/web. */
    stream: string;
    /** Its place in its stream. */
    version: number;
    /** Such as process.exited: see docs/events.md. */
    type: string;
    /** Version of the machine that took it. */
    schema: number;
    data: {
      [name: string]: unknown;
    };
    /** Milliseconds that never go back, for sums. */
    at: number;
    /** Milliseconds since the epoch, as the wall clock had it. */
    wall: number;
    /** Which life of the daemon. */
    boot_id: string;
    /** Which life of a process. */
    incarnation: string | null;
    /** Id of the event that led to it. */
    cause: string | null;
    /** Id of the first event of the chain. */
    correlation: string;
    /** Who asked: uid:1000, token:ci, runtime. */
    actor: string;
    /** null: a birth. */
    from_state: string | null;
    to_state: string;
    prev_hash: string;
    /** SHA-256 over prev_hash and every other column. */
    hash: string;
    /** The event in words. */
    text: string;
  }[];
  /** There are earlier ones. */
  more: boolean;
}

/** A chain of causes. */
export interface PastCauses {
  focus: number;
  events: {
    /** Its place in the log: no gaps, no repeats. */
    seq: number;
    id: string;
    /** kind/name, such as service/web. */
    stream: string;
    /** Its place in its stream. */
    version: number;
    /** Such as process.exited: see docs/events.md. */
    type: string;
    /** Version of the machine that took it. */
    schema: number;
    data: {
      [name: string]: unknown;
    };
    /** Milliseconds that never go back, for sums. */
    at: number;
    /** Milliseconds since the epoch, as the wall clock had it. */
    wall: number;
    /** Which life of the daemon. */
    boot_id: string;
    /** Which life of a process. */
    incarnation: string | null;
    /** Id of the event that led to it. */
    cause: string | null;
    /** Id of the first event of the chain. */
    correlation: string;
    /** Who asked: uid:1000, token:ci, runtime. */
    actor: string;
    /** null: a birth. */
    from_state: string | null;
    to_state: string;
    prev_hash: string;
    /** SHA-256 over prev_hash and every other column. */
    hash: string;
    /** The event in words. */
    text: string;
  }[];
  truncated: boolean;
}

/** How often each way was gone. */
export interface PastEdges {
  to: number;
  edges: {
    /** null: a birth. */
    from: string | null;
    to: string;
    event: string;
    count: number;
    last_seq: number;
    last_wall: number;
  }[];
}

/** Restarts over time. */
export interface PastRestarts {
  from_wall: number;
  to_wall: number;
  services: {
    [name: string]: number[];
  };
}

/** Lines of output, with the life each is of. */
export interface PastLogs {
  file: string;
  lines: {
    wall: number;
    stream: "stdout" | "stderr";
    /** As the service wrote it. */
    text: string;
    incarnation: string | null;
  }[];
  more_before: boolean;
  more_after: boolean;
  note?: string;
}

/** A read model, folded from the event log. */
export interface Projection {
  name: string;
  version: number;
  /** The last event that is in it. */
  seq: number;
  /** Why it is not read at present. */
  stale?: string;
}

/** What changes of a definition. null removes, absent stays. */
export type ServiceChange = Partial<ServiceDefinition>;

/** What a service is doing. */
export type ServiceState = Service["state"];

/** The answer to `GET /healthz`. */
export interface Health {
  status: "ok";
  /** Of the daemon's release. */
  version: string;
}
