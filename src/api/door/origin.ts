import type { IncomingHttpHeaders } from "node:http";
import { isIP } from "node:net";
import { AppError } from "../../base/errors.ts";

/** Sent by our own page. A page of another site that adds it must ask us first, with a preflight, and is not answered. Source: the Fetch standard, section 4.8. */
const PAGE_HEADER = "sprite-page";

/** What a browser would be told to call us: names in lower case, without a port. */
export type OwnNames = ReadonlySet<string>;

/** `[::1]:8080` → host `::1`; undefined for what is no authority. */
function hostOf(authority: string): string | undefined {
  const [, inBrackets, plain] =
    /^(?:\[([0-9A-Fa-f:.]+)\]|([A-Za-z0-9._-]+))(?::\d{1,5})?$/.exec(authority) ?? [];
  return (inBrackets ?? plain)?.toLowerCase();
}

/**
 * Whether a Host header means us: one of our names, or an address, since a name that somebody else owns is what lets a
 * foreign page reach us under an origin of its own (DNS rebinding).
 */
function isOwnHost(host: string | undefined, own: OwnNames): boolean {
  const name = host === undefined ? undefined : hostOf(host);
  return name !== undefined && (isIP(name) !== 0 || own.has(name));
}

/** An authority with the scheme's own port left out, as browsers write it. */
const written = (authority: string, scheme: string): string => {
  try {
    return new URL(`${scheme}//${authority}`).host;
  } catch {
    return ""; // which no origin has
  }
};

function isOwnOrigin(origin: string, host: string): boolean {
  const [, scheme, authority] = /^(https?:)\/\/([^/?#@]+)$/i.exec(origin) ?? [];
  return (
    scheme !== undefined &&
    authority !== undefined &&
    written(authority, scheme) === written(host, scheme)
  );
}

const foreign = (message: string): AppError =>
  new AppError(
    "forbidden",
    `${message}: a page of another site may not use this API. Programs send neither Origin nor cookies; where a proxy has a name of its own, put that into api_hosts`,
  );

/**
 * Refuses what a browser sends on behalf of another site. A request with an Origin or a cookie must be for one of our own
 * names, and from a page of ours: by its Origin, or by `Sec-Fetch-Site`, which no page can forge and which stands where a
 * page's own GET carries no Origin; where a page came without TLS from another machine, which sends neither, a header that only scripts of the page itself can add. Sources: the Fetch standard, section 3.2; Fetch Metadata Request Headers, section 2.3.
 *
 * @param isOpen for what anybody may read: a browser that goes there sends cookies of its other pages of this host, and no Origin
 * @throws AppError `forbidden`
 */
export function refuseForeign(headers: IncomingHttpHeaders, own: OwnNames, isOpen: boolean): void {
  const { origin, host, cookie } = headers;
  if (origin === undefined && cookie === undefined) return;
  if (!isOwnHost(host, own)) throw foreign(`the request is for the host ${host ?? "(none)"}`);
  if (origin !== undefined) {
    if (isOwnOrigin(origin, host ?? "")) return;
    throw foreign(`the request comes from ${origin}`);
  }
  if (isOpen || headers["sec-fetch-site"] === "same-origin") return;
  if (headers["sec-fetch-site"] === undefined && headers[PAGE_HEADER] !== undefined) return;
  throw foreign("the request has a cookie and does not say from which page it comes");
}
