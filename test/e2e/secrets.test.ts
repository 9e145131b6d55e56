import { readFileSync } from "node:fs";
import { expect, it } from "vitest";
import { bootedSprite, fixture } from "../support/daemon.ts";
import { filesWith } from "../support/files-with.ts";

const CANARY = "CANARY-4c1f9a7e";

it("a value of env is in no file, event, list or error; only its service gets it, and who may change that", async () => {
  const made = await bootedSprite();
  const script = 'echo "${#TOKEN}"; exit 3';
  const created = await made.cli(
    ...["services", "create", "web", "--cmd", "sh", "--args", `-c,${script}`],
    ...["--env-var", `TOKEN=${CANARY}`, "--backoff.first", "50ms", "--duration", "500ms"],
  );
  await made.untilState("web", "crashed twice", ({ restart_count: count = 0 }) => count >= 2);
  const answers = [
    created,
    await made.cli("services", "list"),
    await made.cli("events"),
    await made.cli("why", "web"),
    await made.cli("history", "web"),
    await made.cli("services", "logs", "web"),
    await made.cli("services", "create", "web", "--cmd", "", "--env-var", `TOKEN=${CANARY}`),
    await made.cli("services", "create", "x", "--cmd", "x", "--env-var", `1A=${CANARY}`),
    await made.cli("services", "create", "x", "--cmd", "/nope", "--env-var", `A=${CANARY}`),
  ];

  for (const { stdout, stderr } of answers) expect(stdout + stderr).not.toContain(CANARY);
  expect(made.log("web")).toContain(`[stdout] ${CANARY.length}\n`);
  expect((await made.cli("services", "get", "web")).stdout).toContain(CANARY);
  expect(filesWith(CANARY, made.stateDir)).toEqual([]);
  await made.shutDown();
  expect(filesWith(CANARY, made.dir)).toEqual([]);
  expect(made.daemon?.said()).not.toContain(CANARY);
});

it("survives a boot: the service gets its values again", async () => {
  const made = await bootedSprite();
  const say = { cmd: "sh", args: ["-c", 'echo "it is $TOKEN"; exec sleep 1000'] };
  await made.put("web", { ...say, env: { TOKEN: CANARY } });
  await made.untilLogged("web", CANARY);
  await made.cutPower();
  await made.boot();

  const twice = new RegExp(`it is ${CANARY}[^]*it is ${CANARY}`);
  await made.untilLogged("web", twice);
});

it("a service gets nothing of the daemon's own environment but what every program needs", async () => {
  const made = await bootedSprite({
    env: {
      SPRITE_HTTP_API_TOKEN: CANARY,
      SPRITE_S3_SECRET_ACCESS_KEY: CANARY,
      SPRITE_LOCAL_MODE: "true",
      OTHER: CANARY,
    },
  });
  await made.put("web", { cmd: fixture("forever"), env: { OWN: "1" } });
  const { pid = 0 } = await made.state("web");
  const environment = readFileSync(`/proc/${pid}/environ`, "utf8").split("\0").filter(Boolean);

  const names = environment.map((entry) => entry.split("=")[0]);
  expect(names).toEqual(expect.arrayContaining(["PATH", "HOME", "USER", "LOGNAME", "OWN"]));
  const allowed = /^(PATH|HOME|USER|LOGNAME|SHELL|LANG|TZ|OWN|SPRITE_ENV_INCARNATION)$/;
  expect(names.filter((name) => !allowed.test(name ?? ""))).toEqual([]);
  expect(environment.join()).not.toContain(CANARY);
});
