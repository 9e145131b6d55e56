import { describe, expect, it } from "vitest";
import { adoptOrphans } from "../../src/pid1/subreaper.ts";

const self = (pid: number, ppid = 7) => ({ pid, ppid });
const names = (known: Record<number, string>) => (pid: number) => known[pid] ?? "";

describe("what our services orphan", () => {
  it("comes to process 1 whatever is asked for", () => {
    expect(adoptOrphans("off", self(1, 0), names({}))).toBe(true);
  });

  it.each(["tini", "docker-init", "dumb-init", "catatonit", "s6-svscan"])(
    "stays with a small init program above us, unless we are told to take it: %s",
    (init) => {
      expect(adoptOrphans("auto", self(50), names({ 1: init }))).toBe(false);
      expect(adoptOrphans("auto", self(50), names({ 1: "sh", 7: init }))).toBe(false);
      expect(adoptOrphans("on", self(50), names({ 1: init }))).toBe(true);
    },
  );

  it("stays with s6-overlay, whose s6-svscan is process 1 and whose s6-supervise is our parent", () => {
    expect(adoptOrphans("auto", self(50), names({ 1: "s6-svscan", 7: "s6-supervise" }))).toBe(
      false,
    );
  });

  it("is not ours where that is turned off", () => {
    expect(adoptOrphans("off", self(50), names({ 1: "systemd" }))).toBe(false);
  });

  it("is ours elsewhere", () => {
    expect(adoptOrphans("auto", self(50), names({ 1: "systemd", 7: "bash" }))).toBe(true);
  });
});
