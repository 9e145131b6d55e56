import { describe, expect, it } from "vitest";
import { diffText } from "../../src/cli/boot-text.ts";
import type { Boot } from "../../src/offline/boots.ts";
import type { BootOutcome } from "../../src/offline/boot-story.ts";

const boot = (number: number) => ({ number, id: `bt_${number}`, booted: { wall: 0 } }) as Boot;

/** The last line of what is told of a service that was up before. */
function told(after: BootOutcome): string | undefined {
  const before: BootOutcome = { decision: "start", result: "up", version: 1, upMs: 20 };
  const differences = [{ fact: "service", service: "web", before, after }];
  return diffText({ from: boot(1), to: boot(2), differences })
    .split("\n")
    .at(-1);
}

describe("what became of a service at a boot", () => {
  it("is that it was started, where it neither came up nor failed", () => {
    expect(told({ decision: "start", result: "none", version: 1 })).toBe(
      "  web: up after 20ms (version 1) → started, not up yet (version 1)",
    );
  });

  it("is that it waits, or was left down, where it was not started", () => {
    expect(told({ decision: "wait", result: "none", version: 1 })).toContain("→ waits (");
    expect(told({ decision: "leave", result: "none", version: 1 })).toContain("→ left down (");
  });
});
