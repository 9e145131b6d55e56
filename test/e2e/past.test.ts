import { spawn } from "node:child_process";
import { dirname } from "node:path";
import { describe, expect, it, onTestFinished } from "vitest";
import { BIN, bootedSprite, type Ended, type Sprite } from "../support/daemon.ts";
import { until } from "../support/until.ts";

/** Says something, waits for a moment, and ends badly. */
const BAD = ["--cmd", "sh", "--arg", "-c", "--arg", "echo at work; echo cannot bind >&2; exit 3"];

interface Why {
  phase: string;
  headline: string[];
  steps: { seq: number; type: string; actor: string; text: string }[];
  last_lines: { life: number; lines: { stream: string; text: string }[] };
}

const whyOf = ({ stdout }: Ended): Why => JSON.parse(stdout) as Why;

/** What a user asks while no daemon runs: only the state directory tells which sprite is meant. */
const offline = (made: Sprite, ...words: string[]): Promise<Ended> =>
  made.cli(...words, "--state-dir", made.stateDir);

/** A service that crashed at least twice. */
async function crashed(): Promise<Sprite> {
  const made = await bootedSprite();
  await made.cli("services", "create", "web", ...BAD, "--no-stream");
  await until("web crashed twice", () => made.rowsOf("web", "process.exited").length >= 2);
  return made;
}

describe("the questions about the past, with a daemon at work", () => {
  it("find its log by its socket alone", async () => {
    const made = await crashed();

    const answers = await Promise.all(
      [["events"], ["history", "web"], ["why", "web"], ["audit", "head"], ["replay"]].map((words) =>
        made.cli(...words),
      ),
    );

    expect(answers.map(({ code, stderr }) => [code, stderr])).toEqual(answers.map(() => [0, ""]));
  });

  it("tell a crash with the lines of the life that ended", async () => {
    const made = await crashed();
    await made.cli("services", "stop", "web");

    const answer = whyOf(await made.cli("why", "web"));

    expect(answer.phase).toBe("stopped");
    expect(answer.headline[0]).toMatch(/^web is stopped since .*: uid \d+ asked for it\./);
    expect(answer.steps.map(({ text }) => text)).toContainEqual(
      expect.stringMatching(/^its process \d+ exited with code 3 after /),
    );
    expect(answer.last_lines.lines.map(({ text }) => text)).toEqual(["at work", "cannot bind"]);
  });

  it("verify and replay the log while it grows", async () => {
    const made = await crashed();

    const [verified, replayed] = await Promise.all([
      made.cli("audit", "verify"),
      made.cli("replay", "--check"),
    ]);

    expect(verified).toMatchObject({ code: 0, stderr: "" });
    expect(replayed).toMatchObject({ code: 0, stderr: "" });
    expect(JSON.parse(replayed.stdout)).toMatchObject({
      ok: true,
      same_bytes: true,
      projection: { outcome: "equal" },
    });
  });

  it("follow events from those that are there to those that come, none twice and none left out", async () => {
    const made = await crashed();
    const child = spawn(BIN, ["events", "--follow", "--from", "1"], { env: made.env });
    onTestFinished(() => void child.kill("SIGKILL"));
    let text = "";
    child.stdout.on("data", (piece: Buffer) => (text += piece.toString()));
    const seqs = (): number[] =>
      text
        .split("\n")
        .slice(0, -1)
        .map((line) => (JSON.parse(line) as { seq: number }).seq);
    const before = await until("events are shown", () => seqs().length);

    await made.cli("services", "create", "late", ...BAD, "--no-stream");
    await until("the new service is shown", () => text.includes('"stream":"service/late"'));

    const seen = seqs();
    expect(seen.length).toBeGreaterThan(before);
    expect(seen).toEqual(seen.map((_, index) => index + 1));
  });
});

describe("the questions about the past, after the daemon was killed", () => {
  it("answer out of what it left, the WAL included", async () => {
    const made = await crashed();
    await made.cutPower();
    const rows = made.rows();

    const verified = await offline(made, "audit", "verify");
    const replayed = await offline(made, "replay", "--check");
    const answer = await offline(made, "why", "web", "--log-dir", made.logDir);

    expect(JSON.parse(verified.stdout)).toMatchObject({ ok: true, seq: rows.at(-1)?.seq });
    expect(replayed.code).toBe(0);
    expect(whyOf(answer).headline.at(-1)).toBe(
      "No daemon answers (the last one was killed, or listens elsewhere): this is what was recorded last.",
    );
    expect(whyOf(answer).last_lines.lines.length).toBeGreaterThan(0);
  });

  it("tell the kill as what the next start came of", async () => {
    const made = await bootedSprite();
    await made.cli("services", "create", "web", "--cmd", "sleep", "--args", "1000", "--no-stream");
    const before = await made.untilRunning("web");
    await made.killDaemon();
    await made.boot();
    await made.untilRunning("web", before);

    const texts = whyOf(await made.cli("why", "web")).steps.map(({ text }) => text);

    expect(texts[0]).toBe("a daemon began; the one before it had been killed");
    expect(texts[1]).toBe(
      `it found process ${before} of the earlier life, proved it ours and ended it`,
    );
  });

  it("end with the exit code and sentence of what is wrong", async () => {
    const made = await bootedSprite();
    await made.shutDown();

    const unknown = await offline(made, "why", "wob");
    const elsewhere = await made.cli("audit", "head", "--state-dir", dirname(made.home));
    const alone = await offline(made, "events", "--follow");

    expect(unknown).toMatchObject({
      code: 3,
      stderr: 'sprite-env: no service named "wob" is in the event log: it is empty\n',
    });
    expect(elsewhere).toMatchObject({
      code: 3,
      stderr: expect.stringContaining("there is no event log in"),
    });
    expect(alone).toMatchObject({ code: 7, stderr: expect.stringContaining("no daemon answers") });
  });
});
