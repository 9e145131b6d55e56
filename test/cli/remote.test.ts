import { expect, it } from "vitest";
import { json, onPort } from "../client/fixture.ts";
import { cli, WEB } from "./harness.ts";

const listening = () =>
  onPort((asked, response) => {
    if (asked.headers.authorization === "Bearer right-token-of-ours") return json(response, [WEB]);
    return json(response, { error: "unauthorized", message: "this needs a token" }, 401);
  });

const TOKEN = { SPRITE_HTTP_API_TOKEN: "right-token-of-ours" };

it("--url and SPRITE_ENV_URL reach a daemon's TCP listener, with the token of the environment", async () => {
  const { url } = await listening();

  const byFlag = await cli(["services", "list", "--url", url], { env: TOKEN });
  const byEnv = await cli(["services", "list"], { env: { ...TOKEN, SPRITE_ENV_URL: url } });

  expect(JSON.parse(byFlag.stdout)).toMatchObject([{ name: "web" }]);
  expect(byEnv.stdout).toBe(byFlag.stdout);
});

it("a socket on the command line wins over a URL in the environment", async () => {
  const { url, asked } = await listening();

  const ran = await cli(["services", "list", "--socket", "/nowhere"], {
    env: { SPRITE_ENV_URL: url },
  });

  expect(ran.code).toBe(7);
  expect(ran.stderr).toContain("tried /nowhere");
  expect(asked).toHaveLength(0);
});

it("without a token, says where to put it; with a wrong one, what the daemon says", async () => {
  const { url } = await listening();

  const without = await cli(["services", "list", "--url", url]);
  const wrong = await cli(["services", "list", "--url", url], {
    env: { SPRITE_HTTP_API_TOKEN: "wrong" },
  });

  expect(without.code).toBe(6);
  expect(without.stderr).toContain(
    `the daemon at ${url} wants a token: put it into the environment`,
  );
  expect(wrong).toMatchObject({ code: 6, stderr: "sprite-env: this needs a token\n" });
});

it.each([
  [["services", "list", "--url", "http://x", "--socket", "/y"], "contradict each other"],
  [["services", "list", "--url", "nonsense"], "is no URL of a daemon"],
  [["services", "list", "--url", "http://me:hunter2@x"], "must not hold a secret"],
  [["services", "list", "--token", "hunter2"], "there is no flag --token"],
])("refuses %j", async (words, sentence) => {
  const { code, stderr } = await cli(words);

  expect(code).toBe(2);
  expect(stderr).toContain(sentence);
  expect(stderr).not.toContain("hunter2");
});

it("nobody there: says at which URL, exit code 7", async () => {
  const { code, stderr } = await cli(["services", "list", "--url", "http://127.0.0.1:1"]);

  expect({ code, stderr }).toEqual({
    code: 7,
    stderr: "sprite-env: no daemon answers at http://127.0.0.1:1: nobody listens there\n",
  });
});
