import { readFileSync } from "node:fs";
import { createServer } from "node:https";
import type { AddressInfo } from "node:net";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, expect, it } from "vitest";
import { Client } from "../../src/client/client.ts";
import { cli } from "../cli/harness.ts";

/** Of `localhost` and 127.0.0.1, for a hundred years; nobody trusts it who is not told to. */
const CERTIFICATE = fileURLToPath(new URL("tls/certificate.pem", import.meta.url));
const KEY = fileURLToPath(new URL("tls/key.pem", import.meta.url));

const server = createServer(
  { cert: readFileSync(CERTIFICATE), key: readFileSync(KEY) },
  (request, response) => response.end(JSON.stringify([{ name: request.headers.authorization }])),
);
let port = 0;

beforeAll(async () => {
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  port = (server.address() as AddressInfo).port; // it listens on a port
});

afterAll(() => void server.close());

it("https to a certificate that nobody trusts is refused, and says what can be done", async () => {
  const asking = new Client({ url: `https://localhost:${port}`, token: "t" }).list();

  await expect(asking).rejects.toMatchObject({
    code: "daemon_unreachable",
    message: expect.stringMatching(/certificate is not trusted .*NODE_EXTRA_CA_CERTS/) as string,
  });
});

it.each(["localhost", "127.0.0.1"])(
  "https to %s works with a certificate that is trusted",
  async (host) => {
    const env = { NODE_EXTRA_CA_CERTS: CERTIFICATE, SPRITE_HTTP_API_TOKEN: "t" };

    const { stdout, stderr } = await cli(["services", "list", "--url", `https://${host}:${port}`], {
      env,
    });

    expect(stderr).toBe("");
    expect(JSON.parse(stdout)).toEqual([{ name: "Bearer t" }]);
  },
);

it("http to a port that speaks https is no daemon", async () => {
  const asking = new Client({ url: `http://localhost:${port}` }).list();

  await expect(asking).rejects.toMatchObject({ code: "daemon_unreachable" });
});
