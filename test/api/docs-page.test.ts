import { describe, expect, it } from "vitest";
import { hasBrowser, opened as openedPage, type Seen } from "../support/browser.ts";
import { tcpApi, TOKEN } from "./door/tcp-fixture.ts";

async function opened(url: string): Promise<Seen> {
  const seen = await openedPage();
  await seen.page.goto(url);
  return seen;
}

describe.skipIf(!hasBrowser)("the reference in a browser", () => {
  it("shows every operation, complains of nothing, and fetches nothing from elsewhere", async () => {
    const { port } = await tcpApi();
    const own = `http://127.0.0.1:${port}`;
    const { page, complaints, requests } = await opened(`${own}/docs`);
    await page.locator(".opblock").first().waitFor();

    expect(await page.locator(".opblock").count()).toBeGreaterThanOrEqual(15);
    expect(await page.title()).toBe("sprite-env API");
    expect(requests.length).toBeGreaterThan(4);
    expect(
      requests.filter((url) => !url.startsWith(`${own}/`) && !url.startsWith("data:")),
    ).toEqual([]);
    expect(complaints).toEqual([]);
    await page.close();
  });

  it("can try things out with a token, as a page of ours and no other", async () => {
    const { port, asked } = await tcpApi();
    const { page } = await opened(`http://127.0.0.1:${port}/docs`);
    const statusOf = (at: string, method: string) =>
      page.evaluate(
        async ([url, verb, token]) => {
          const headers = { authorization: `Bearer ${token}` };
          return (await fetch(url, { method: verb, headers })).status;
        },
        [at, method, TOKEN] as const,
      );

    expect(await statusOf("/v1/services", "GET")).toBe(200);
    expect(await statusOf("/v1/services/web/start", "POST")).toBe(200);
    expect(asked.map(({ command, caller }) => [command, caller.actor])).toEqual([
      ["start", "token:ci"],
    ]);
    await page.close();
  });

  it("does nothing for a page of another site, which has the token too", async () => {
    const { port, asked } = await tcpApi();
    const other = await tcpApi();
    const { page } = await opened(`http://127.0.0.1:${other.port}/docs`);
    const failure = await page.evaluate(
      async ([url, token]) => {
        const form = new URLSearchParams({ a: "b" });
        await fetch(url, { method: "POST", mode: "no-cors", body: form }).catch(() => {});
        const headers = { authorization: `Bearer ${token}` };
        return fetch(url, { method: "POST", headers }).then(
          () => "answered",
          () => "refused",
        );
      },
      [`http://127.0.0.1:${port}/v1/services/web/start`, TOKEN] as const,
    );

    expect(failure).toBe("refused");
    expect(asked).toEqual([]);
    await page.close();
  });
});
