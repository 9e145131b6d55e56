import { type AddressInfo, createServer } from "node:net";

/** A TCP port of the loopback that nobody has at the moment. */
export const freePort = (): Promise<number> =>
  new Promise((resolve, reject) => {
    const server = createServer();
    server.once("error", reject);
    server.listen(0, "127.0.0.1", () => {
      const { port } = server.address() as AddressInfo; // a TCP server has no other
      server.close(() => resolve(port));
    });
  });
