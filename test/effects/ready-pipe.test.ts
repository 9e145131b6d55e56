import { readdirSync } from "node:fs";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { createKit, type Kit } from "./runner-kit.ts";

let kit: Kit;
beforeAll(() => void (kit = createKit()));
afterAll(() => kit.close());

/** A service that runs a script and has a descriptor to say it is ready; whoever waits for that does so as soon as its spawn is known. */
function sh(script: string, fd = 3, cmd = "/bin/sh"): string {
  const readiness = { kind: "fd", fd } as const;
  const incarnation = kit.spawn({ cmd, args: ["-c", script], ready: readiness });
  const wait = () => kit.probes.startReadiness({ stream: "service/web", incarnation, readiness });
  void kit.fact(incarnation, "process.spawned").then(wait, () => {});
  return incarnation;
}
const types = (incarnation: string) => kit.facts(incarnation).map(({ type }) => type);
const openFiles = () => readdirSync("/proc/self/fd").length;

describe("a service with a descriptor for it is ready", () => {
  it.each([3, 7, 9])("when it writes a newline to descriptor %d", async (fd) => {
    await kit.fact(sh(`echo >&${fd}; exec sleep 1000`, fd), "readiness.reached");
  });

  it("when it writes a newline to one over 9", async () => {
    const incarnation = sh("FD=200; echo >&$FD; exec sleep 1000", 200, "/bin/bash");

    await kit.fact(incarnation, "readiness.reached");
  });

  it("when the newline comes after other words, in pieces", async () => {
    const incarnation = sh("printf load >&3; printf ing >&3; printf '.\\nmore' >&3; sleep 1000");

    await kit.fact(incarnation, "readiness.reached");
  });

  it("when a child of it says so", async () => {
    await kit.fact(sh("(setsid sh -c 'echo >&3') & exec sleep 1000"), "readiness.reached");
  });

  it("and may go on writing, or close it", async () => {
    const incarnation = sh(
      "echo >&3; head -c 200000 /dev/zero >&3; exec 3>&-; echo still here; exec sleep 1000",
    );
    await kit.fact(incarnation, "readiness.reached");

    await kit.line(incarnation, /still here/);
    expect(types(incarnation)).toEqual(["process.spawned", "readiness.reached"]);
  });
});

describe("a service is not ready", () => {
  it("by closing the descriptor, and says why", async () => {
    const incarnation = sh("printf loading >&3; exec 3>&-; exec sleep 1000");

    const { reason } = await kit.fact(incarnation, "readiness.failed");
    expect(reason).toBe("descriptor 3 was closed, and no newline came before");
    expect(types(incarnation)).not.toContain("readiness.reached");
  });

  it("by saying nothing, and says so", async () => {
    const { reason } = await kit.fact(sh("exec sleep 1000"), "readiness.failed");

    expect(reason).toBe("it has not written a newline to descriptor 3 yet");
  });
});

it("gives a service that descriptor and no other", async () => {
  const { pid } = await kit.fact(sh("exec sleep 1000", 5), "process.spawned");

  const numbers = () => readdirSync(`/proc/${pid}/fd`).toSorted();
  await expect.poll(numbers).toEqual(["0", "1", "2", "5"]);
});

it("keeps nothing open once the service is gone, or was never there", async () => {
  const before = openFiles();
  const ended = sh("echo >&3");
  await kit.fact(ended, "output.ended");
  const missing = kit.spawn({ cmd: "/no/such", ready: { kind: "fd", fd: 3 } });
  await kit.fact(missing, "process.spawn_failed");
  const beyond = kit.spawn({ cmd: "true", ready: { kind: "fd", fd: 1_000_000_000 } });
  const { error } = await kit.fact(beyond, "process.spawn_failed");

  expect(error.message).toContain("Bad file descriptor");
  const isClosed = () => openFiles() <= before;
  await expect.poll(isClosed).toBe(true);
});
