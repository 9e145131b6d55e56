import {
  chmodSync,
  chownSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { describe, expect, it } from "vitest";
import { AppError } from "../../src/base/errors.ts";
import { keyFile } from "../../src/journal/key-file.ts";
import { openReader } from "../../src/journal/read.ts";
import { sealer } from "../../src/journal/seal.ts";
import { draft, group, temporaryDirectory, writerOn } from "./fixture.ts";

/** The error's code and the reason in its details. */
function failureOf(run: () => unknown): [string, unknown] {
  try {
    run();
  } catch (error) {
    if (error instanceof AppError) return [error.code, error.details?.["reason"]];
    throw error;
  }
  return ["nothing was thrown", undefined];
}

describe("sealed values", () => {
  it.each(["", "secret", "ünïcode 🙂\n", "x".repeat(100_000)])(
    "open as they were sealed, also by a later daemon",
    (value) => {
      const stateDirectory = temporaryDirectory();
      const sealed = sealer(stateDirectory).seal("sv_1", value);

      expect(sealer(stateDirectory).open("sv_1", sealed)).toBe(value);
    },
  );

  it("show nothing of the value, and differ each time", () => {
    const values = sealer(temporaryDirectory());
    const sealed = [values.seal("sv_1", "CANARY"), values.seal("sv_1", "CANARY")];

    expect(Buffer.concat(sealed).includes("CANARY")).toBe(false);
    expect(sealed[0]).not.toEqual(sealed[1]);
  });

  it("cannot be exchanged or changed", () => {
    const values = sealer(temporaryDirectory());
    const sealed = values.seal("sv_1", "value");

    expect(failureOf(() => values.open("sv_2", sealed))).toEqual([
      "storage_failed",
      "value_damaged",
    ]);
    for (const place of [6, 20, sealed.length - 1]) {
      const changed = Uint8Array.from(sealed, (byte, at) => (at === place ? byte ^ 1 : byte));
      expect(failureOf(() => values.open("sv_1", changed))).toEqual([
        "storage_failed",
        "value_damaged",
      ]);
    }
    expect(failureOf(() => values.open("sv_1", sealed.subarray(0, 8)))).toEqual([
      "storage_failed",
      "value_damaged",
    ]);
  });

  it("need the key they were sealed with, and open again when it is restored", () => {
    const stateDirectory = temporaryDirectory();
    const sealed = sealer(stateDirectory).seal("sv_1", "value");
    const other = temporaryDirectory();
    const values = sealer(other);

    expect(failureOf(() => values.open("sv_1", sealed))).toEqual(["storage_failed", "key_missing"]);
    expect(readdirSync(other)).toEqual([]);
    values.seal("sv_2", "of another key");
    expect(failureOf(() => values.open("sv_1", sealed))).toEqual(["storage_failed", "key_wrong"]);

    rmSync(keyFile(other));
    writeFileSync(keyFile(other), readFileSync(keyFile(stateDirectory)), { mode: 0o600 });
    expect(values.open("sv_1", sealed)).toBe("value");
  });
});

describe("the key file", () => {
  it("is made at the first use, for us alone, and nothing else is left", () => {
    const stateDirectory = temporaryDirectory();
    const values = sealer(stateDirectory);
    expect(readdirSync(stateDirectory)).toEqual([]);
    writeFileSync(`${keyFile(stateDirectory)}.new`, "of a daemon that died");

    values.seal("sv_1", "value");

    expect(readdirSync(stateDirectory)).toEqual(["env.key"]);
    expect(statSync(keyFile(stateDirectory)).mode & 0o777).toBe(0o600);
    expect(statSync(keyFile(stateDirectory)).size).toBe(32);
  });

  it("is refused when others can read it, with the chmod that mends it", () => {
    const stateDirectory = temporaryDirectory();
    sealer(stateDirectory).seal("sv_1", "value");
    chmodSync(keyFile(stateDirectory), 0o640);

    expect(() => sealer(stateDirectory).seal("sv_2", "value")).toThrow(
      expect.objectContaining({
        code: "storage_foreign",
        message: expect.stringContaining(`chmod 600 ${keyFile(stateDirectory)}`),
      }),
    );
  });

  it.runIf(process.getuid?.() === 0)("is refused when it is another user's", () => {
    const stateDirectory = temporaryDirectory();
    sealer(stateDirectory).seal("sv_1", "value");
    chownSync(keyFile(stateDirectory), 65_534, 65_534);

    expect(failureOf(() => sealer(stateDirectory).seal("sv_2", "value"))[0]).toBe(
      "storage_foreign",
    );
  });

  it("is refused when it is no key", () => {
    const stateDirectory = temporaryDirectory();
    writeFileSync(keyFile(stateDirectory), "short", { mode: 0o600 });

    expect(failureOf(() => sealer(stateDirectory).seal("sv_1", "value"))).toEqual([
      "storage_failed",
      "key_wrong",
    ]);
  });
});

describe("values that nothing refers to", () => {
  it("are collected, but none that is newer than the references were looked at", async () => {
    const stateDirectory = temporaryDirectory();
    const writer = writerOn(stateDirectory);
    const sealed = [
      { ref: "live", sealed: Buffer.from("1"), at: 1 },
      { ref: "dead", sealed: Buffer.from("2"), at: 1 },
      { ref: "new", sealed: Buffer.from("3"), at: 9 },
    ];
    await writer.append([{ ...group(draft({ version: 1 })), sealed }]);

    expect(await writer.collectValues(["live"], 9)).toBe(1);

    const reader = openReader(stateDirectory);
    expect(sealed.map(({ ref }) => reader.sealedValue(ref) !== undefined)).toEqual([
      true,
      false,
      true,
    ]);
    reader.close();
  });
});
