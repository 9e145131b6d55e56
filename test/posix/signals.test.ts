import { execFileSync, spawnSync } from "node:child_process";
import { expect, it } from "vitest";
import { signalName, signalNumber } from "../../src/posix/signals.ts";

it("knows signals by their name, with and without SIG", () => {
  expect(["TERM", "SIGTERM", "KILL", "nothing", ""].map(signalNumber)).toEqual([
    15,
    15,
    9,
    undefined,
    undefined,
  ]);
});

it("counts real-time signals as bash does, up to the last one", () => {
  const bash = (name: string) => Number(execFileSync("bash", ["-c", `kill -l ${name}`]));

  for (const name of ["RTMIN", "RTMIN+1", "RTMIN+15"]) expect(signalNumber(name)).toBe(bash(name));
  expect(signalNumber("SIGRTMIN+2")).toBe(signalNumber("RTMIN+2"));
  expect(signalNumber(`RTMIN+${64 - (signalNumber("RTMIN") ?? 0)}`)).toBe(64);
  expect(["RTMIN+31", "RTMIN-1", "RTMIN+", "RTMIN+1x", "RTMAX"].map(signalNumber)).toEqual(
    Array.from({ length: 5 }, () => undefined),
  );
});

it("names each number so that the name gives the number again", () => {
  const named = Array.from({ length: 64 }, (_, index) => index + 1).filter(
    (number) => signalName(number) !== String(number),
  );

  expect(named.map((number) => signalNumber(signalName(number)))).toEqual(named);
  expect(signalName(32)).toBe("32"); // the C library's own
  expect(signalName(65)).toBe("65");
});

it("means the signal that the kernel delivers", () => {
  const number = signalNumber("RTMIN+3");
  const { status } = spawnSync("sh", ["-c", `trap 'exit 7' ${number}; kill -${number} $$; exit 1`]);

  expect(status).toBe(7);
});
