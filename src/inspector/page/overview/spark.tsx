import { signal } from "@preact/signals";
import type { JSX } from "preact";
import { get } from "../data/http.ts";
import { listen } from "../data/feed.ts";

/* How often each service was started again, over the last hour, as small bars. */

const BUCKETS = 24;
const HOUR_MS = 3_600_000;
const WIDTH = 72;
const HEIGHT = 14;

interface Restarts {
  from_wall: number;
  to_wall: number;
  services: Record<string, number[]>;
}

const restarts = signal<Restarts | undefined>(undefined);
let isAsking = false;

/** Asked at the beginning, and again some seconds after something ended. */
export function followRestarts(): () => void {
  const look = async (): Promise<void> => {
    if (isAsking) return;
    isAsking = true;
    const to = Date.now();
    const answer = await get<Restarts>("/v1/past/restarts", {
      from_wall: to - HOUR_MS,
      buckets: BUCKETS,
    }).catch(() => undefined);
    if (answer) restarts.value = answer;
    setTimeout(() => (isAsking = false), 5_000);
  };
  void look();
  const timer = setInterval(() => void look(), HOUR_MS / BUCKETS);
  const stop = listen((events) => {
    if (events.some(({ type }) => type === "process.exited" || type === "process.spawned"))
      void look();
  });
  return () => {
    clearInterval(timer);
    stop();
  };
}

export function Spark({ name }: { name: string }): JSX.Element {
  const counts = restarts.value?.services[name];
  const total = counts?.reduce((sum, count) => sum + count, 0) ?? 0;
  const most = Math.max(3, ...(counts ?? []));
  return (
    <svg
      class="spark"
      width={WIDTH}
      height={HEIGHT}
      viewBox={`0 0 ${WIDTH} ${HEIGHT}`}
      role="img"
      aria-label={`${total} restarts in the last hour`}
    >
      <path class="spark-base" d={`M0 ${HEIGHT - 0.5}H${WIDTH}`} />
      {counts?.map((count, index) =>
        count === 0 ? null : (
          <rect
            key={index}
            class="spark-bar"
            x={index * (WIDTH / BUCKETS)}
            width={WIDTH / BUCKETS - 1}
            y={HEIGHT - (count / most) * HEIGHT}
            height={(count / most) * HEIGHT}
          />
        ),
      )}
    </svg>
  );
}
