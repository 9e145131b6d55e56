import { expect, it } from "vitest";
import { checked, errnoText, exists, SystemError } from "../../src/posix/libc.ts";

it("names an errno and says what the C library says about it", () => {
  const error = new SystemError("waitid", 10);
  expect(error).toMatchObject({ code: "ECHILD", errno: 10, text: "No child processes" });
  expect(error.message).toBe("waitid: No child processes");
});

it("keeps the number of an errno that has no name", () => {
  expect(new SystemError("x", 4000).code).toBe("errno 4000");
});

it("gives the text of an errno by its name, and the name where nobody knows it", () => {
  expect(errnoText("ENOENT")).toBe("No such file or directory");
  expect(errnoText("ENOSUCH")).toBe("ENOSUCH");
});

it("lets through what a call answered", () => {
  expect(checked("open", 3)).toBe(3);
});

it("knows which functions the C library has", () => {
  expect(exists("posix_spawn")).toBe(true);
  expect(exists("posix_spawn_no_such_thing")).toBe(false);
});
