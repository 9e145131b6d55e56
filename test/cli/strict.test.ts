import { expect, it } from "vitest";
import { AppError } from "../../src/base/errors.ts";
import { duration, whole } from "../../src/cli/args.ts";
import { strict } from "../../src/cli/strict.ts";

const ARGS = {
  name: { type: "positional", required: true, description: "Name of the service" },
  cmd: { type: "string", required: true, description: "The executable" },
  args: { type: "string" },
  arg: { type: "string", repeat: true },
  "http-port": { type: "string", check: whole(1, 65_535) },
  duration: { type: "string", check: duration },
  restart: { type: "enum", options: ["always", "never"] },
  lines: { type: "string", alias: "n" },
  follow: { type: "boolean", alias: "f" },
  stream: { type: "boolean", default: true },
} as const;
const META = { later: ["user", "limits"], stray: "arguments go in --args" };

const read = (...words: string[]) => strict(words, ARGS as never, META); // ARGS has more keys than citty's type

function refusal(...words: string[]): string {
  try {
    read("web", "--cmd", "x", ...words);
  } catch (error) {
    if (error instanceof AppError) return `${error.code}: ${error.message}`;
    throw error;
  }
  return "taken";
}

it("reads values in both forms, switches, letters and words", () => {
  const { args, repeated } = read(
    "--cmd=a=b",
    "web",
    "-fn100",
    "--args",
    "-m,x",
    "--arg",
    "1",
    "--no-stream",
    "--arg=--cmd",
  );

  expect(args).toMatchObject({
    name: "web",
    cmd: "a=b",
    follow: true,
    lines: "100",
    stream: false,
  });
  expect(args["args"]).toBe("-m,x");
  expect(repeated.get("arg")).toEqual(["1", "--cmd"]);
});

it("gives a default only where nothing was given", () => {
  expect(read("web", "--cmd", "x").args).toMatchObject({ stream: true });
  expect(read("web", "--cmd", "x").args).not.toHaveProperty("follow");
});

it.each([
  [["--http-prt", "1"], "there is no flag --http-prt: did you mean --http-port?"],
  [["--http_port", "1"], "there is no flag --http_port: did you mean --http-port?"],
  [["-cmd", "x"], "there is no flag -cmd: did you mean --cmd?"],
  [["--no-strem"], "there is no flag --no-strem: did you mean --no-stream?"],
  [["--no-follow"], "there is no flag --no-follow"],
  [["--zzzzzzzz"], "there is no flag --zzzzzzzz"],
  [["-x"], "there is no flag -x"],
  [["--args"], "--args needs a value"],
  [["--args", "--"], "--args needs a value"],
  [["--args", "--duration", "1s"], "write --args=--duration"],
  [["--cmd", "y"], "--cmd is given twice"],
  [["--follow", "-f"], "--follow is given twice"],
  [["--follow=maybe"], '--follow is "maybe": allowed is nothing, =true or =false'],
  [["--http-port", "0"], '--http-port is "0": allowed is a whole number from 1 to 65535'],
  [["--http-port", "8e1"], '--http-port is "8e1"'],
  [["--duration", "-1s"], '--duration is "-1s": allowed is a duration'],
  [["--duration", "5"], '--duration is "5": allowed is a duration'],
  [["--restart", "sometimes"], '--restart is "sometimes": allowed is one of always, never'],
  [["extra"], 'unexpected "extra": arguments go in --args'],
  [["--", "python3", "-m", "a b"], "did you mean --arg python3 --arg -m --arg 'a b'?"],
])("refuses %j", (words, message) => {
  expect(refusal(...words)).toContain(`invalid_request: `);
  expect(refusal(...words)).toContain(message);
});

it.each(["--user", "--limits.memory", "--limits"])("refuses %s by name: it comes later", (flag) => {
  expect(refusal(flag, "x")).toBe(
    `not_built_yet: ${flag} is known, but this release does not act on it yet: leave it out`,
  );
});

it("says what is missing, and turns a whole command line after -- into flags", () => {
  expect(() => read("--cmd", "x")).toThrow("NAME is missing: Name of the service");
  expect(() => read("web")).toThrow("--cmd is missing: The executable");
  expect(() => read("", "--cmd", "x")).toThrow("an empty word is no name");
  expect(() => read("web", "--", "npm", "start")).toThrow("did you mean --cmd npm --arg start?");
});

it("takes a dash alone as a word, and everything after = as the value", () => {
  expect(read("-", "--cmd=").args).toMatchObject({ name: "-", cmd: "" });
});

it("takes a negative number for a word, unless it is a flag", () => {
  const words = {
    boot: { type: "positional", required: false, description: "Which" },
    one: { type: "boolean", alias: "1" },
  } as const;
  const wordsOf = (...raw: string[]) => strict(raw, words as never, {}).args;

  expect(wordsOf("-3")).toMatchObject({ boot: "-3" });
  expect(wordsOf("-1")).toMatchObject({ one: true });
  expect(() => strict(["-3"], { one: words.one } as never, {})).toThrow("there is no flag -3");
});
