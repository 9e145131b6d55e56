import { readdirSync } from "node:fs";
import { performance } from "node:perf_hooks";
import { Counter, Gauge, Registry, type Metric } from "prom-client";
import type { Histogram } from "../../base/histogram.ts";
import type { Phase } from "../../commands/ports.ts";
import type { HttpCounts } from "./http-counts.ts";
import type { MetricsSource } from "./source.ts";

/** What the API knows of its own. */
export interface ApiCounts {
  http: HttpCounts;
  /** Replies of many pieces that are open. */
  streams: () => number;
  /** Readers of the event log. */
  followers: () => number;
  /** Reads of the event log for them. */
  eventReads: () => number;
}

/** Metrics as text, in the format of Prometheus. */
export interface Exposition {
  readonly contentType: string;
  text: () => Promise<string>;
}

type Labels = Readonly<Record<string, string | number>>;
type Sample = readonly [value: number, labels?: Labels];

const PHASES: Readonly<Record<Phase, true>> = {
  pending: true,
  starting: true,
  running: true,
  crashed: true,
  restarting: true,
  stopping: true,
  stopped: true,
  failed: true,
};

/** Makes metrics whose values are asked for at each scrape: what is gone has no series any more. */
function asker(registry: Registry) {
  const ask =
    (kind: "counter" | "gauge") =>
    (
      name: string,
      help: string,
      labelNames: readonly string[],
      samples: () => Iterable<Sample>,
    ) => {
      const options = { name, help, labelNames, registers: [registry] };
      if (kind === "gauge") {
        return new Gauge({
          ...options,
          collect() {
            this.reset();
            for (const [value, labels = {}] of samples()) this.set(labels, value);
          },
        });
      }
      return new Counter({
        ...options,
        collect() {
          this.reset();
          for (const [value, labels = {}] of samples()) this.inc(labels, value);
        },
      });
    };
  return { counter: ask("counter"), gauge: ask("gauge") };
}

/** The series of one histogram: buckets, which count all below them, too; sum and count. Source: Prometheus, exposition formats. */
function series(name: string, { bounds, counts, sum }: Histogram, labels: Labels) {
  let total = 0;
  const buckets = counts.map((count, index) => {
    total += count;
    const le = bounds[index] ?? "+Inf";
    return { metricName: `${name}_bucket`, value: total, labels: { ...labels, le } };
  });
  return [
    ...buckets,
    { metricName: `${name}_sum`, value: sum, labels },
    { metricName: `${name}_count`, value: total, labels },
  ];
}

/** Histograms that are kept elsewhere: the registry asks a metric for its values and needs no more of it. */
function addHistograms(
  registry: Registry,
  name: string,
  help: string,
  all: () => Iterable<readonly [Histogram, Labels]>,
): void {
  const get = async () => ({
    name,
    help,
    type: "histogram",
    aggregator: "sum",
    values: [...all()].flatMap(([one, labels]) => series(name, one, labels)),
  });
  registry.registerMetric({ name, help, get } as unknown as Metric); // all that Registry uses of one
}

function addServices(registry: Registry, { services }: MetricsSource): void {
  const { counter, gauge } = asker(registry);
  const of = (value: (one: ReturnType<typeof services>[number]) => number | undefined) => () =>
    services().flatMap((one): Sample[] => {
      const found = value(one);
      return found === undefined ? [] : [[found, { service: one.name }]];
    });
  gauge("sprite_env_services", "Services by phase", ["phase"], () => {
    const counts = new Map(Object.keys(PHASES).map((phase) => [phase, 0]));
    for (const { phase } of services()) counts.set(phase, (counts.get(phase) ?? 0) + 1);
    return [...counts].map(([phase, count]): Sample => [count, { phase }]);
  });
  gauge(
    "sprite_env_service_up",
    "Whether a service runs, and is ready",
    ["service"],
    of(({ phase }) => Number(phase === "running")),
  );
  gauge(
    "sprite_env_service_desired",
    "Whether a service should run",
    ["service"],
    of(({ desired }) => Number(desired === "running")),
  );
  gauge(
    "sprite_env_service_crash_looping",
    "Whether a service crashes again and again",
    ["service"],
    of(({ crashLooping }) => Number(crashLooping)),
  );
  gauge(
    "sprite_env_service_quarantined",
    "Whether a service's log and its machine disagree",
    ["service"],
    of(({ quarantined }) => Number(quarantined)),
  );
  gauge(
    "sprite_env_service_last_exit_code",
    "How a service's main process ended last: its exit code, or 128 and the number of the signal",
    ["service"],
    of(({ lastExitCode }) => lastExitCode),
  );
  gauge(
    "sprite_env_service_start_time_seconds",
    "When a service's process was started, since the epoch",
    ["service"],
    of(({ startedAt }) => startedAt && startedAt / 1_000),
  );
  counter(
    "sprite_env_service_restarts_total",
    "Restarts of a service after crashes, since it was last started by somebody",
    ["service"],
    of(({ restarts }) => restarts),
  );
}

function addLog(registry: Registry, { log, commits, queue }: MetricsSource): void {
  const { gauge } = asker(registry);
  gauge("sprite_env_event_log_last_seq", "Sequence number of the last event", [], () => [
    [log().last],
  ]);
  gauge(
    "sprite_env_event_log_first_seq",
    "Sequence number of the first event that is kept",
    [],
    () => [[log().first]],
  );
  gauge("sprite_env_event_log_bytes", "What the store takes on disk", [], () => [[log().bytes]]);
  gauge("sprite_env_queue_length", "What waits to be stored", ["kind"], () => {
    const { inputs, commands } = queue();
    return [
      [inputs, { kind: "all" }],
      [commands, { kind: "command" }],
    ];
  });
  addHistograms(
    registry,
    "sprite_env_commit_duration_seconds",
    "How long commits of the event log take",
    () => [[commits, {}]],
  );
}

function addApi(registry: Registry, { http, streams, followers, eventReads }: ApiCounts): void {
  const { counter, gauge } = asker(registry);
  gauge("sprite_env_open_streams", "Replies of many pieces that are open", [], () => [[streams()]]);
  gauge("sprite_env_event_followers", "Readers of the event log", [], () => [[followers()]]);
  counter("sprite_env_event_reads_total", "Reads of the event log for its readers", [], () => [
    [eventReads()],
  ]);
  counter(
    "sprite_env_http_requests_total",
    "Requests that were answered",
    ["method", "route", "status"],
    () => [...http.requests.values()].map(({ count, ...labels }): Sample => [count, labels]),
  );
  addHistograms(
    registry,
    "sprite_env_http_request_duration_seconds",
    "How long answers took, but for streams",
    () =>
      [...http.durations.values()].map(({ histogram, ...labels }) => [histogram, labels] as const),
  );
}

/** Seconds since the epoch at which this process began. */
const STARTED = performance.timeOrigin / 1_000;

function descriptorSamples(): Sample[] {
  try {
    return [[readdirSync("/proc/self/fd").length]];
  } catch {
    return []; // no /proc
  }
}

/** Names as every client library of Prometheus has them. Without timers of their own: what they cost is the scrape. */
function addProcess(registry: Registry): void {
  const { counter, gauge } = asker(registry);
  counter("process_cpu_seconds_total", "CPU time of the daemon", [], () => {
    const { user, system } = process.cpuUsage();
    return [[(user + system) / 1e6]];
  });
  gauge("process_resident_memory_bytes", "Memory of the daemon", [], () => [
    [process.memoryUsage.rss()],
  ]);
  gauge("process_start_time_seconds", "When the daemon was started, since the epoch", [], () => [
    [STARTED],
  ]);
  gauge("process_open_fds", "Descriptors that the daemon has open", [], descriptorSamples);
  counter(
    "sprite_env_event_loop_busy_seconds_total",
    "Time in which the daemon's event loop did something",
    [],
    () => [[performance.eventLoopUtilization().active / 1_000]],
  );
}

/** Everything that is measured, ready to be scraped. */
export function createExposition(
  source: MetricsSource,
  api: ApiCounts,
  version: string,
): Exposition {
  const registry = new Registry();
  asker(registry).gauge("sprite_env_build_info", "The release", ["version"], () => [
    [1, { version }],
  ]);
  addServices(registry, source);
  addLog(registry, source);
  addApi(registry, api);
  addProcess(registry);
  return { contentType: registry.contentType, text: () => registry.metrics() };
}
