import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { request } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, it, onTestFinished } from "vitest";
import { type Sprite, sprite } from "../support/daemon.ts";
import { filesWith } from "../support/files-with.ts";
import { freePort } from "../support/ports.ts";

/** In every secret of this test, in clear and nowhere else. */
const CANARY = "CANARY-b81d";
const secret = (what: string) => `${CANARY}-${what}`;

const readOnly = "reads-and-nothing-else-4242";

/** Looks at every command line on the machine until it is told to end. */
function watchCommandLines(): () => string[] {
  const seen = new Set<string>();
  const look = () => {
    for (const name of readdirSync("/proc").filter((entry) => /^\d+$/.test(entry))) {
      try {
        const line = readFileSync(`/proc/${name}/cmdline`, "latin1");
        if (line.includes(CANARY)) seen.add(line);
      } catch {
        continue; // it ended
      }
    }
  };
  const timer = setInterval(look, 5);
  onTestFinished(() => clearInterval(timer));
  return () => [...seen];
}

/** A page over TCP, as somebody with that token gets it. */
const overTcp = (port: number, path: string, token: string): Promise<string> =>
  new Promise((resolve, reject) => {
    const headers = { authorization: `Bearer ${token}` };
    const asked = request({ host: "127.0.0.1", port, path, headers, agent: false }, (answer) => {
      let text = "";
      answer.setEncoding("utf8").on("data", (chunk: string) => (text += chunk));
      answer.on("end", () => resolve(`${answer.statusCode} ${text}`)).on("error", reject);
    });
    asked.on("error", reject).end();
  });

/** A directory for what holds secrets by right: the service's own files, and a person's. */
function outside() {
  const directory = mkdtempSync(join(tmpdir(), "sprite-secrets-"));
  onTestFinished(() => rmSync(directory, { recursive: true }));
  return (name: string, content: string | object): string => {
    const path = join(directory, name);
    writeFileSync(path, typeof content === "string" ? content : JSON.stringify(content));
    return path;
  };
}

const lengths = 'echo "lengths ${#A} ${#B} ${#C}"; exit 3';
const web = (env: object, envFile: string) => ({
  ...{ cmd: "sh", args: ["-c", lengths], env, env_file: envFile, backoff: { first: "50ms" } },
  ...(process.getuid?.() === 0 && { user: "nobody" }),
});

/** Requests that are wrong in every place where a value may stand. */
function wrong(): { method: string; path: string; body: unknown }[] {
  const value = secret("wrong");
  const bodies: unknown[] = [
    { cmd: "", env: { A: value } },
    { cmd: "x", env: { "1A": value } },
    { cmd: "x", env: [value] },
    { cmd: "x", env: value },
    { cmd: "x", env: { A: [value] } },
    { cmd: "x", env: { A: { value } } },
    { cmd: "x", env: { A: { $env: "B", value } } },
    { cmd: "x", env: { A: `${value}\0` } },
    { cmd: "x", env: { A: value }, env_names: [value] },
    { cmd: "x", environment: { A: value } },
    { cmd: "x", Env: value, secrets: [value] },
    { cmd: "x", env: { A: value }, dir: "relative" },
    { cmd: "x", env: { A: value }, needs: ["no-such"] },
    { cmd: "x", env: { A: value }, user: "no-such" },
    { cmd: "x", env: { A: value, B: { $env: "NO_SUCH" } } },
    { cmd: "x", env: { A: value, B: { $env: "SPRITE_HTTP_API_TOKEN" } } },
    { cmd: "x", env: { A: value.repeat(20_000) } },
    `{"cmd":"x","env":{"A":"${value}"`,
    `{"cmd":"x","env":{"A":"${value}`,
    value,
    `{"cmd":"x","env":{"A":"${value.repeat(200_000)}"}}`,
  ];
  return bodies.flatMap((body) => [
    { method: "PUT", path: "/v1/services/wrong", body },
    { method: "PATCH", path: "/v1/services/web", body },
  ]);
}

/** Everything that people and programs can ask about what happened. */
const QUESTIONS = [
  ["services", "list"],
  ["services", "list", "--json"],
  ["services", "versions", "web"],
  ["services", "diff", "web"],
  ["services", "logs", "web"],
  ["events"],
  ["events", "--json"],
  ["why", "web"],
  ["history", "web"],
  ["state", "--all", "--at", "-1s"],
  ["diff", "--from", "1"],
  ["boot", "list"],
  ["boot", "--explain"],
  ["replay", "--check"],
  ["audit", "verify"],
];

const PAGES = ["services", "services/web", "events", "metrics"].map((name) => `/v1/${name}`);

async function answers(made: Sprite): Promise<string[]> {
  const told = [];
  for (const words of QUESTIONS) {
    const { stdout, stderr } = await made.cli(...words);
    told.push(`${words.join(" ")}: ${stdout}${stderr}`);
  }
  return told;
}

it("no secret of a service or of the daemon is anywhere but where it has to be", async () => {
  const file = outside();
  const commandLines = watchCommandLines();
  const envFile = file("web.env", `B=${secret("file")}\n`);
  const made = sprite();
  const port = await freePort();
  const tokens = [
    { name: "full", token: { $env: "FULL_TOKEN" } },
    { name: "reader", token: readOnly, read_only: true },
  ];
  const config = file("config.json", { api_listen_addr: `127.0.0.1:${port}`, api_tokens: tokens });
  const env = {
    FULL_TOKEN: secret("full-token"),
    SPRITE_HTTP_API_TOKEN: secret("token"),
    C: secret("variable"),
  };
  const boot = { env, flags: ["--config", config, "--log-level", "trace"] };
  await made.boot(boot);

  // created, crashed, changed in every way
  const headers = { "idempotency-key": "once" };
  const first = web({ A: secret("put"), C: { $env: "C" } }, envFile);
  const put = () =>
    made.ask({ method: "PUT", path: "/v1/services/web?duration=500ms", body: first, headers });
  const told = [await put(), await put()].map(({ text }) => text);
  await made.untilState("web", "crashed twice", ({ restart_count: count = 0 }) => count >= 2);
  const change = { env: { A: secret("patch"), C: { $env: "C" } } };
  told.push((await made.ask({ method: "PATCH", path: "/v1/services/web", body: change })).text);
  const from = file("web.json", web({ A: secret("from"), C: { $env: "C" } }, envFile));
  for (const verb of ["create", "update"]) {
    const { stdout, stderr } = await made.cli(
      "services",
      verb,
      "web",
      "--from",
      from,
      "--duration",
      "300ms",
    );
    told.push(stdout + stderr);
  }
  const all = file("all.json", { web: web({ A: secret("apply"), D: secret("new") }, envFile) });
  for (const more of [["--dry-run"], ["--duration", "300ms"]]) {
    const { stdout, stderr } = await made.cli("services", "apply", "-f", all, ...more);
    told.push(stdout + stderr);
  }
  const back = await made.cli("services", "rollback", "web", "1", "--duration", "500ms");
  told.push(back.stdout + back.stderr);
  for (const question of wrong()) {
    const cutOff = { status: 413, text: "" }; // what is far too big is not read to its end
    const { status, text } = await made.ask(question).catch(() => cutOff);
    expect(status).toBeGreaterThanOrEqual(400);
    told.push(text);
  }
  for (const path of PAGES) told.push(await overTcp(port, path, readOnly));
  told.push(await overTcp(port, "/v1/services", secret("guessed")));
  told.push(...(await answers(made)));

  // the service had them, and who may change it sees what it was given itself
  const expected = [secret("put"), secret("file"), secret("variable")].map(({ length }) => length);
  expect(made.log("web")).toContain(`lengths ${expected.join(" ")}\n`);
  const { env: shown } = JSON.parse(
    await overTcp(port, "/v1/services/web", env.FULL_TOKEN).then((text) => text.slice(4)),
  ) as { env: object };
  expect(shown).toEqual({ A: secret("put"), C: { $env: "C" } });

  // and nobody else
  for (const text of told) expect(text).not.toContain(CANARY);
  expect(filesWith(CANARY, made.dir)).toEqual([]); // events.db, -wal, -shm, logs, run files
  await made.killDaemon();
  expect(made.daemon?.said()).not.toContain(CANARY);
  await made.boot(boot);
  await made.untilState("web", "crashed again", ({ restart_count: count = 0 }) => count >= 1);
  expect(filesWith(CANARY, made.dir)).toEqual([]);
  await made.shutDown();
  expect(filesWith(CANARY, made.dir)).toEqual([]);
  for (const text of await answers(made)) expect(text).not.toContain(CANARY);
  expect(made.daemon?.said()).not.toContain(CANARY);
  expect(commandLines()).toEqual([]);
});

it("a file with variables that is wrong is told of without a word of what is in it", async () => {
  const file = outside();
  const made = sprite();
  await made.boot();
  const secrets = [
    `${secret("line")}\n`,
    `A=1\n=${secret("no-name")}\n`,
    `${secret("name")}=\n`,
    `A="${secret("quote")}\n`,
    `A="x" ${secret("behind")}\n`,
    `A=${secret("nul")}\0\n`,
    `A=${secret("big")}${"x".repeat(1_000_000)}\n`,
  ];
  for (const [index, text] of secrets.entries()) {
    const name = `web-${index}`;
    const from = file(`${name}.json`, { cmd: "true", env_file: file(name, text) });
    const { code, stdout, stderr } = await made.cli("services", "create", name, "--from", from);
    expect(code).toBe(1);
    expect(stdout).toContain("Failed to start service: the environment file");
    expect(stdout + stderr).not.toContain(CANARY);
  }
  for (const text of await answers(made)) expect(text).not.toContain(CANARY);
  expect(filesWith(CANARY, made.dir)).toEqual([]);
  expect(made.daemon?.said()).not.toContain(CANARY);
});

it("variables that a later daemon does not have keep a service from starting, and all are named", async () => {
  const made = sprite();
  await made.boot({ env: { ONE: "1", TWO: "2" } });
  const env = { A: { $env: "ONE" }, B: { $env: "TWO" }, C: { $env: "LANG" } };
  await made.put("web", { cmd: "sleep", args: ["1000"], env });
  await made.untilRunning("web");
  await made.shutDown();
  await made.boot();
  const { error, last_exit: exit } = await made.untilState(
    "web",
    "failed",
    ({ phase }) => phase === "failed",
  );
  expect(error).toContain("the daemon's environment has no ONE, TWO");
  expect(exit).toEqual({ spawn_error: "ENOKEY" });
});

it("a file with variables that nobody writes to holds nobody up", async () => {
  const file = outside();
  const made = sprite();
  await made.boot();
  const fifo = `${file("here", "")}.fifo`;
  await made.run(["mkfifo", fifo]);
  for (const envFile of [fifo, "/dev/tty", "/dev/zero", "/"]) {
    const body = { cmd: "true", env_file: envFile, restart: "never" };
    const { text } = await made.ask({ method: "PUT", path: "/v1/services/web?duration=5s", body });
    expect(text).toContain(`Failed to start service: the environment file \`${envFile}\` is a`);
  }
  expect((await made.ask({ path: "/healthz" })).status).toBe(200);
});
