// A web application: one page that says how long it has been up.
import { createServer } from "node:http";

const port = Number(process.env["PORT"]);
const since = Date.now();
const server = createServer((request, response) => {
  console.log(`${request.method} ${request.url}`);
  response.end(`up for ${Math.round((Date.now() - since) / 1000)} s as process ${process.pid}\n`);
});
server.listen(port, "127.0.0.1", () => console.log(`listening on ${port}`));
process.on("SIGTERM", () => server.close(() => process.exit(0)));
