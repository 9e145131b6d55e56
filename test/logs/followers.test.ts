import { expect, it } from "vitest";
import { createFollowers } from "../../src/logs/followers.ts";
import type { FromLogThread } from "../../src/logs/messages.ts";

const MEGABYTE = Buffer.alloc(1 << 20, "x");

/** Followers of `web`, and the kinds of messages they posted, with counts of skipped lines. */
function following() {
  const posted: string[] = [];
  const followers = createFollowers((message: FromLogThread) =>
    posted.push(message.type === "skipped" ? `skipped ${message.lines}` : message.type),
  );
  followers.follow("web");
  return { followers, posted };
}

it("posts no more than fits into the window until some of it was taken", () => {
  const { followers, posted } = following();
  for (let n = 0; n < 5; n++) followers.push("web", "in_1", MEGABYTE, 10);
  expect(posted).toEqual(["lines", "lines"]);
});

it("tells what was skipped before the next lines", () => {
  const { followers, posted } = following();
  for (let n = 0; n < 5; n++) followers.push("web", "in_1", MEGABYTE, 10);
  followers.taken("web", MEGABYTE.length);
  followers.push("web", "in_1", MEGABYTE, 10);
  expect(posted).toEqual(["lines", "lines", "skipped 30", "lines"]);
});

it("tells what was skipped when asked to, and once all was taken", () => {
  const { followers, posted } = following();
  for (let n = 0; n < 3; n++) followers.push("web", "in_1", MEGABYTE, 10);
  followers.settle("web");
  followers.push("web", "in_1", MEGABYTE, 10);
  for (let n = 0; n < 2; n++) followers.taken("web", MEGABYTE.length);
  expect(posted).toEqual(["lines", "lines", "skipped 10", "skipped 10"]);
});

it("posts nothing for a service that nobody follows any more", () => {
  const { followers, posted } = following();
  followers.unfollow("web");
  followers.push("web", "in_1", MEGABYTE, 10);
  expect(posted).toEqual([]);
});
