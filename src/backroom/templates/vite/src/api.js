// All there is around fetch. The session is an HttpOnly cookie: nothing is kept here, nothing can leak from here.
// `<meta name="api">` in the page says where the API is; empty: where the page came from.
const base = document.querySelector('meta[name="api"]')?.content ?? "";

// status 0: no answer came. fields: {title: "Title is required."}, from the problem document that every refusal carries.
export class ApiError extends Error {
  constructor(status, problem) {
    super(problem?.detail ?? "The server can't be reached. Nothing you typed is lost: try again.");
    this.status = status;
    this.code = problem?.code;
    this.fields = Object.fromEntries((problem?.errors ?? []).filter((e) => e.field).map((e) => [e.field, e.message]));
  }
}

async function call(method, path, body) {
  const options = { method, credentials: "include" }; // "include": also when the API is on another port or origin
  if (body !== undefined) {
    options.headers = { "Content-Type": "application/json" };
    options.body = JSON.stringify(body);
  }
  let response, reply;
  try {
    response = await fetch(`${base}/api${path}`, options);
    reply = response.headers.get("Content-Type")?.includes("json") ? await response.json() : null; // null: 204, or a proxy's own page
  } catch {
    throw new ApiError(0);
  }
  if (!response.ok) throw new ApiError(response.status, reply);
  return reply;
}

export const get = (path) => call("GET", path);
export const post = (path, body) => call("POST", path, body);
export const patch = (path, body) => call("PATCH", path, body);
export const remove = (path) => call("DELETE", path);
