/** A PUT of the service web. */
export const putRequest = (body: unknown, query = "") => ({
  method: "PUT" as const,
  url: `/v1/services/web${query}`,
  payload: JSON.stringify(body),
});

/** The body of an error. */
export const errorOf = (response: { json(): unknown }) =>
  response.json() as Record<string, unknown>;
