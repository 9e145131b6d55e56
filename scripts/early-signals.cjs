"use strict";
// What comes to process 1 before the daemon listens: the kernel drops every signal that process 1 has no handler for, Node's own for TERM and INT drop themselves,
// and our modules take a while to load. Kept here until src/daemon/signals.ts takes them over. Source: signal(7), kill(2).
const NAMES = ["SIGTERM", "SIGINT", "SIGHUP", "SIGQUIT", "SIGUSR2"];

exports.keepEarlySignals = () => {
  const came = [];
  const keep = (signal) => void came.push(signal);
  for (const name of NAMES) process.on(name, keep);
  /** Those that came, in their order. From now on somebody else listens. */
  globalThis[Symbol.for("sprite-env early signals")] = () => {
    for (const name of NAMES) process.off(name, keep);
    return came;
  };
};
