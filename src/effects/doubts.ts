/** Why something is not ready yet, as it is reported: once that has lasted, then for each other reason. */
export interface Doubts {
  /** The reason now. */
  say: (reason: string) => void;
  /** Nothing is reported any more. */
  end: () => void;
}

/** A no is worth a row in the log once it has lasted so long, in milliseconds: most services are ready by then. */
const LASTING_MS = 2_000;
/** So many rows a life: a reason may change with every question. */
const MOST = 10;

/** Counts from now on. */
export function createDoubts(report: (reason: string) => void, lastingMs = LASTING_MS): Doubts {
  let latest: string | undefined;
  let told: string | undefined;
  let count = 0;
  let isLasting = false;
  const tell = (): void => {
    if (!isLasting || latest === undefined || latest === told || count >= MOST) return;
    told = latest;
    count += 1;
    report(latest);
  };
  const timer = setTimeout(() => {
    isLasting = true;
    tell();
  }, lastingMs).unref();
  return {
    say: (reason) => {
      latest = reason;
      tell();
    },
    end: () => {
      clearTimeout(timer);
      isLasting = false;
    },
  };
}
