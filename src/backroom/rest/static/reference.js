// The reference: reads /openapi.json and shows it. All text goes in as text nodes, so nothing in the document can run.

const METHODS = ["get", "post", "put", "patch", "delete"];
const state = { token: "", document: null };

// ---------------------------------------------------------------- small tools
const $ = (id) => document.getElementById(id);

/** make("p", { class: "soft" }, "text", node): an element. Functions become listeners, false and null nothing. */
function make(tag, attributes = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (typeof value === "function") element.addEventListener(name, value);
    else if (value !== false && value != null) element.setAttribute(name, value === true ? "" : value);
  }
  element.append(...children.flat(Infinity).filter((child) => child != null && child !== false));
  return element;
}

/** The two marks of Markdown that descriptions use, and paragraphs. */
function prose(text) {
  const inline = (line) => line.split(/(`[^`]+`|\*\*[^*]+\*\*)/).map((part) =>
    part.startsWith("`") ? make("code", {}, part.slice(1, -1)) : part.startsWith("**") ? make("strong", {}, part.slice(2, -2)) : part);
  return (text ?? "").split(/\n\s*\n/).filter((part) => part.trim()).map((part) => make("p", {}, inline(part)));
}

function resolve(node) {
  let found = node;
  for (let steps = 0; found?.$ref && steps < 20; steps++) {
    found = found.$ref.split("/").slice(1).reduce((at, key) => at?.[key.replaceAll("~1", "/").replaceAll("~0", "~")], state.document);
  }
  return found ?? {};
}

const nameOf = (schema) => schema?.$ref?.split("/").pop();
const jsonOf = (holder) => Object.entries(holder?.content ?? {}).find(([type]) => /json/.test(type))?.[1]?.schema;
const variants = (schema) => schema.anyOf ?? schema.oneOf;

// ---------------------------------------------------------------- schemas
function typeOf(schema) {
  if (nameOf(schema)) return nameOf(schema);
  if (schema.enum) return schema.enum.map((value) => JSON.stringify(value)).join(" | ");
  if ("const" in schema) return JSON.stringify(schema.const);
  if (variants(schema)) return [...new Set(variants(schema).map(typeOf))].join(" | ");
  const types = [schema.type ?? "any"].flat();
  return types.map((type) => {
    if (type === "array") return `array of ${schema.items ? typeOf(schema.items) : "any"}`;
    if (type === "object" && schema.maxProperties === 0) return "{}";
    return type === "string" && schema.format ? `string (${schema.format})` : type === "string" && schema.contentEncoding ? `string (${schema.contentEncoding})` : type;
  }).join(" | ");
}

const BOUNDS = {
  minLength: "at least # characters", maxLength: "at most # characters", minItems: "at least # items", maxItems: "at most # items", minimum: "at least #",
  maximum: "at most #", exclusiveMinimum: "more than #", exclusiveMaximum: "less than #", multipleOf: "a multiple of #",
};

function bounds(schema) {
  const safe = Number.MAX_SAFE_INTEGER;
  const told = Object.entries(BOUNDS).filter(([key]) => key in schema && Math.abs(schema[key]) !== safe && !(key === "minLength" && schema[key] === 1)).map(([key, text]) => text.replace("#", schema[key]));
  const blank = schema.pattern === "\\S";
  if (schema.pattern && !blank && schema.pattern.length < 40) told.push(`matches ${schema.pattern}`);
  if (blank) told.unshift("not blank");
  if ("default" in schema) told.push(`default ${JSON.stringify(schema.default)}`);
  return told.join(", ");
}

/** What a schema says: its properties, or its variants, or its type. `seen` stops models that hold themselves. */
function shape(schema, reply, seen = []) {
  const name = nameOf(schema);
  const full = resolve(schema);
  if (name && seen.includes(name)) return make("p", { class: "soft" }, `${name}, as above`);
  const path = name ? [...seen, name] : seen;
  if (variants(full)) {
    const rest = variants(full).slice(1).map((each) => [make("p", { class: "or" }, "or"), make("p", { class: "kind" }, typeOf(each), " ", make("small", {}, bounds(resolve(each)))), holdsMore(each) && more(each.items ?? each, reply, path)]);
    return make("div", { class: "variants" }, shape(variants(full)[0], reply, path), rest);
  }
  if (full.type === "array" && full.items) return make("div", {}, make("p", { class: "kind" }, typeOf(full), " ", make("small", {}, bounds(full))), holdsMore(full.items) && shape(full.items, reply, path));
  const title = make("p", { class: "kind" }, name ?? typeOf(full), name && full.description ? [" ", make("small", {}, full.description.split("\n")[0])] : "");
  if (!full.properties) return title;
  const rows = Object.entries(full.properties).map(([key, property]) => {
    const inner = resolve(property);
    const needed = full.required?.includes(key);
    return make("li", {},
      make("code", { class: "key" }, key), !reply && needed && make("span", { class: "needed" }, "required"),
      make("span", { class: "type" }, typeOf(property), reply && !needed && ", may be absent"),
      bounds(inner) && make("small", {}, bounds(inner)), inner.description && make("div", { class: "told" }, prose(inner.description)),
      holdsMore(property) && more(property, reply, path));
  });
  return make("div", {}, title, rows.length ? make("ul", { class: "properties" }, rows) : make("p", { class: "soft" }, "nothing"));
}

const holdsMore = (schema) => [schema, schema.items, ...(variants(schema) ?? [])].some((each) => each && (resolve(each).properties || resolve(each).items?.$ref));

/** Built when it is opened: a model may hold itself. */
function more(schema, reply, path) {
  const box = make("details", { class: "more", toggle: () => box.childElementCount === 1 && box.append(shape(schema, reply, path)) }, make("summary", {}, "fields"));
  return box;
}

const SAMPLES = {
  date: "2026-12-01", "date-time": "2026-12-01T09:00:00.000Z", email: "ann@example.com", uuid: "0190b6c4-7b1e-7cc2-a4f7-0242ac120002", uri: "https://example.com",
  duration: "PT1H30M", password: "a long passphrase",
};

function sample(schema, key = "text", depth = 0) {
  const full = resolve(schema);
  if (full.examples?.length) return full.examples[0];
  if ("default" in full) return full.default;
  if ("const" in full) return full.const;
  if (full.enum) return full.enum[0];
  if (variants(full)) return sample(variants(full)[0], key, depth);
  const type = [full.type].flat()[0];
  if (type === "object") {
    const listed = Object.entries(full.properties ?? {}).filter(([, property]) => !/Taken when equal|Not everybody/.test(resolve(property).description ?? ""));
    return depth > 4 ? {} : Object.fromEntries(listed.map(([name, property]) => [name, sample(property, name, depth + 1)]));
  }
  if (type === "array") return [];
  if (type === "boolean") return false;
  if (type === "integer" || type === "number") return Math.max(full.minimum > -1e9 ? full.minimum : 1, full.exclusiveMinimum + 1 || 1);
  return SAMPLES[full.format] ?? `Some ${key.replaceAll("_", " ")}`;
}

/** A body to begin with: a whole row for POST and PUT; for PATCH one field is enough. */
function sampleBody(operation) {
  const value = sample(jsonOf(resolve(operation.requestBody)));
  if (operation.method !== "patch" || !value || Array.isArray(value)) return value;
  return Object.fromEntries(Object.entries(value).filter(([key]) => !/password/.test(key)).slice(0, 1));
}

// ---------------------------------------------------------------- requests
/** What the form asks for: { method, url, headers, body }. */
function requestOf(operation, form) {
  const headers = {};
  const query = new URLSearchParams();
  let path = operation.path;
  for (const input of form.querySelectorAll("[data-in]")) {
    const value = input.value.trim();
    if (input.dataset.in === "path") path = path.replace(`{${input.name}}`, value ? encodeURIComponent(value) : `{${input.name}}`);
    else if (value && input.dataset.in === "query") query.append(input.name, value);
    else if (value && input.dataset.in === "header") headers[input.name] = value;
  }
  const body = form.querySelector("textarea")?.value;
  if (body) headers["Content-Type"] = "application/json";
  if (state.token && operation.secured) headers.Authorization = `Bearer ${state.token}`;
  return { method: operation.method.toUpperCase(), url: path + (query.size ? `?${readable(query)}` : ""), headers, body };
}

const readable = (query) => query.toString().replaceAll("%2C", ",").replaceAll("%28", "(").replaceAll("%29", ")").replaceAll("%3A", ":");

function fetchLines({ method, url, headers, body }) {
  const options = [];
  if (method !== "GET") options.push(`  method: "${method}",`);
  const shown = Object.entries(headers).map(([name, value]) => `${/^[a-z]+$/i.test(name) ? name : `"${name}"`}: ${JSON.stringify(value)}`);
  if (shown.length) options.push(`  headers: { ${shown.join(", ")} },`);
  if (body) options.push(`  body: JSON.stringify(${indented(body)}),`);
  const call = options.length ? `fetch(${JSON.stringify(url)}, {\n${options.join("\n")}\n})` : `fetch(${JSON.stringify(url)})`;
  const read = method === "DELETE" ? "" : "\nconst data = await response.json();";
  return `const response = await ${call};${read}`;
}

function indented(body) {
  try {
    return JSON.stringify(JSON.parse(body), null, 2).replaceAll("\n", "\n  ");
  } catch {
    return body;
  }
}

const quoted = (text) => `'${text.replaceAll("'", "'\\''")}'`;

function curlLines({ method, url, headers, body }, operation) {
  const lines = [`curl -i ${method === "GET" ? "" : `-X ${method} `}${quoted(location.origin + url)}`];
  for (const [name, value] of Object.entries(headers)) lines.push(`-H ${quoted(`${name}: ${value}`)}`);
  const cookie = (operation.secured || operation.enters) && !headers.Authorization;
  if (cookie && method !== "GET") lines.push(`-H ${quoted(`Origin: ${location.origin}`)}`);
  if (operation.enters) lines.push("-c cookies.txt");
  else if (cookie) lines.push("-b cookies.txt");
  if (body) lines.push(`-d ${quoted(body)}`);
  return lines.join(" \\\n  ");
}

// ---------------------------------------------------------------- replies
function timings(header) {
  const laps = (header ?? "").split(",").map((part) => ({ room: part.split(";")[0].trim(), ms: Number(/dur=([\d.]+)/.exec(part)?.[1]) })).filter((lap) => lap.room && lap.ms >= 0);
  const total = laps.reduce((sum, lap) => sum + lap.ms, 0);
  if (!total) return null;
  let before = 0;
  const rows = laps.map((lap) => {
    const bar = make("span", { class: "bar" });
    bar.style.marginInlineStart = `${(100 * before) / total}%`;
    bar.style.width = `${Math.max((100 * lap.ms) / total, 0.5)}%`;
    before += lap.ms;
    return make("tr", {}, make("th", { scope: "row" }, lap.room), make("td", { class: "track" }, bar), make("td", { class: "number" }, `${lap.ms.toFixed(2)} ms`));
  });
  return make("table", { class: "timing" }, make("caption", {}, `Server-Timing: ${total.toFixed(2)} ms through the rooms`), make("tbody", {}, rows));
}

async function send(request, place) {
  place.replaceChildren(make("p", { class: "soft" }, "Sending …"));
  const started = performance.now();
  try {
    const response = await fetch(request.url, {
      method: request.method, headers: request.headers, body: request.body || undefined, cache: "no-store", credentials: request.headers.Authorization ? "omit" : "same-origin",
    });
    const text = await response.text();
    const took = performance.now() - started;
    const headers = [...response.headers].map(([name, value]) => make("tr", {}, make("th", { scope: "row" }, name), make("td", {}, value)));
    place.replaceChildren(
      make("p", { class: `status s${String(response.status)[0]}` }, make("strong", {}, `${response.status} ${response.statusText}`), ` ${took.toFixed(0)} ms, ${text.length.toLocaleString("en")} characters`),
      timings(response.headers.get("server-timing")) ?? "",
      text ? make("pre", { tabindex: 0, "aria-label": "Body of the reply" }, pretty(text)) : make("p", { class: "soft" }, "No body."),
      make("details", {}, make("summary", {}, `${headers.length} headers`), make("table", { class: "headers" }, make("tbody", {}, headers))));
    return response;
  } catch (error) {
    place.replaceChildren(make("p", { class: "status s5" }, make("strong", {}, "No reply: "), error.message, ". Is the server running?"));
    return null;
  }
}

function pretty(text) {
  try {
    return JSON.stringify(JSON.parse(text), null, 2);
  } catch {
    return text;
  }
}

// ---------------------------------------------------------------- one operation
function input(parameter, id) {
  const schema = resolve(parameter.schema ?? {});
  const examples = Object.values(parameter.examples ?? {}).map((each) => each.value);
  const list = `${id}-${parameter.name}`;
  const hint = examples[0] ?? parameter.example ?? ("default" in schema ? schema.default : parameter.in === "path" ? "" : typeOf(schema));
  const field = schema.enum
    ? make("select", { name: parameter.name, "data-in": parameter.in }, [...(parameter.required ? [] : [""]), ...schema.enum].map((value) => make("option", {}, value)))
    : make("input", { name: parameter.name, "data-in": parameter.in, placeholder: hint, required: parameter.required, autocomplete: "off", spellcheck: "false", list: examples.length > 0 && list });
  return make("label", {}, make("span", {}, parameter.name), field, examples.length > 0 && !schema.enum && make("datalist", { id: list }, examples.map((value) => make("option", { value }))));
}

function parameterList(parameters) {
  return make("ul", { class: "properties" }, parameters.map((parameter) => {
    const schema = resolve(parameter.schema ?? {});
    const examples = Object.values(parameter.examples ?? {}).map((each) => each.value);
    return make("li", {},
      make("code", { class: "key" }, parameter.name), parameter.required && make("span", { class: "needed" }, "required"), make("span", { class: "type" }, parameter.in === "query" ? typeOf(schema) : parameter.in), " ", make("small", {}, isFilter(parameter) ? "" : bounds(schema)),
      make("div", { class: "told" }, prose(parameter.description), examples.length > 0 && make("p", { class: "examples" }, examples.map((value) => make("code", {}, value)))));
  }));
}

function copyable(label, text) {
  const code = make("pre", { tabindex: 0, "aria-label": label });
  const button = make("button", { type: "button", class: "quiet copy", click: async () => {
    try {
      await navigator.clipboard.writeText(code.textContent);
      button.textContent = "Copied";
    } catch { // no clipboard without https: select it, so that one key copies
      getSelection().selectAllChildren(code);
      button.textContent = "Selected";
    }
    setTimeout(() => (button.textContent = "Copy"), 1500);
  } }, "Copy");
  button.setAttribute("aria-label", `Copy ${label}`);
  return { element: make("div", { class: "code" }, make("p", { class: "kind" }, label), button, code), show: (value) => (code.textContent = value) };
}

const isFilter = (parameter) => parameter.in === "query" && /Filter$/.test(parameter.schema?.$ref ?? "");

function tryIt(operation) {
  const id = `try-${operation.operationId}`;
  const filters = operation.parameters.filter(isFilter);
  const others = operation.parameters.filter((parameter) => !isFilter(parameter));
  const schema = jsonOf(resolve(operation.requestBody));
  const fetchCode = copyable("fetch");
  const curlCode = copyable("curl");
  const reply = make("div", { class: "reply", role: "status" });
  const body = schema && make("textarea", { rows: 6, spellcheck: "false", name: "body" });
  if (body) {
    body.value = JSON.stringify(sampleBody(operation), null, 2);
    body.rows = Math.min(14, body.value.split("\n").length + 1);
  }
  const form = make("form", { input: refresh, submit: async (event) => {
    event.preventDefault();
    const response = await send(requestOf(operation, form), reply);
    if (response?.ok && /session|account/i.test(operation.path)) who();
  } },
    make("div", { class: "inputs" }, others.map((parameter) => input(parameter, id))),
    filters.length > 0 && make("details", {}, make("summary", {}, `Filters (${filters.length})`), make("div", { class: "inputs" }, filters.map((parameter) => input(parameter, id)))),
    body && make("label", {}, make("span", {}, "Body"), body),
    make("button", {}, `Send ${operation.method.toUpperCase()}`));
  function refresh() {
    const request = requestOf(operation, form);
    fetchCode.show(fetchLines(request));
    curlCode.show(curlLines(request, operation));
  }
  document.addEventListener("token", refresh);
  refresh();
  return make("div", { class: "try" }, make("h4", {}, "Try it"), form, reply, fetchCode.element, curlCode.element);
}

function replies(operation) {
  return Object.entries(operation.responses).map(([status, response]) => {
    const full = resolve(response);
    const schema = jsonOf(full);
    const headers = Object.keys(full.headers ?? {});
    const problem = nameOf(schema) === "Problem";
    const codes = problem ? Object.keys(Object.values(full.content)[0].examples ?? {}) : [];
    const box = make("details", { class: `answer s${status[0]}`, toggle: () => box.open && box.childElementCount === 1 && box.append(
      headers.length ? make("p", {}, "Headers: ", headers.map((name) => [make("code", {}, name), " "])) : "",
      codes.length ? make("p", { class: "examples" }, codes.map((code) => make("code", {}, code))) : "",
      schema ? shape(schema, true) : make("p", { class: "soft" }, "No body.")) },
      make("summary", {}, make("strong", {}, status), " ", prose(full.description).flatMap((each) => [...each.childNodes])));
    return box;
  });
}

function details(operation) {
  const body = jsonOf(resolve(operation.requestBody));
  const [fine, refused] = [{}, {}];
  for (const [status, response] of Object.entries(operation.responses)) (Number(status[0]) < 4 ? fine : refused)[status] = response;
  const filters = operation.parameters.filter(isFilter);
  const others = operation.parameters.filter((parameter) => !isFilter(parameter));
  const open = !operation.security?.length || operation.security.some((each) => !Object.keys(each).length);
  return make("div", { class: "columns" },
    make("div", {},
      prose(operation.description),
      operation.secured && make("p", { class: "soft" }, open ? "Signed in or not." : "Signed in: by the session cookie or a bearer token."),
      others.length > 0 && [make("h4", {}, "Parameters"), parameterList(others)],
      filters.length > 0 && make("details", { class: "refusals" }, make("summary", {}, `${filters.length} filters: `, filters.map((each) => each.name).join(" ")), parameterList(filters)),
      body && [make("h4", {}, "Body"), shape(body)],
      make("h4", {}, "Replies"), replies({ responses: fine }),
      make("details", { class: "refusals" }, make("summary", {}, `${Object.keys(refused).length} refusals: ${Object.keys(refused).join(" ")}`), replies({ responses: refused }))),
    tryIt(operation));
}

function operationBox(operation) {
  const box = make("details", { class: "operation", id: operation.operationId, toggle: () => {
    if (box.open && box.childElementCount === 1) box.append(details(operation));
  } }, make("summary", {}, method(operation), make("code", { class: "path" }, operation.path), make("span", { class: "summary" }, operation.summary)));
  return box;
}

const method = (operation) => make("span", { class: `method ${operation.method}` }, operation.method.toUpperCase());

// ---------------------------------------------------------------- who is asking
async function who() {
  const paths = state.document.paths;
  const panel = $("who");
  if (!paths["/api/session"]) return;
  panel.hidden = false;
  const response = await fetch("/api/session", { cache: "no-store" }).catch(() => null);
  const person = response?.ok ? await response.json() : null;
  const told = make("p", { class: "fault", role: "alert" });
  const enter = async (path, form) => {
    const answer = await fetch(path, { method: "POST", headers: { "Content-Type": "application/json" }, body: JSON.stringify(Object.fromEntries(new FormData(form))) }).catch(() => null);
    if (answer?.ok) return who();
    const problem = await answer?.json().catch(() => null);
    told.textContent = problem?.detail ?? "No reply.";
  };
  const form = make("form", { class: "enter", submit: (event) => { event.preventDefault(); enter("/api/session", form); } },
    make("label", {}, make("span", {}, "Email"), make("input", { name: "email", type: "email", required: true, autocomplete: "username" })),
    make("label", {}, make("span", {}, "Password"), make("input", { name: "password", type: "password", required: true, autocomplete: "current-password" })),
    make("button", {}, "Sign in"),
    make("button", { type: "button", class: "quiet", click: () => form.reportValidity() && enter("/api/account", form) }, "Sign up"), told);
  const token = make("input", { type: "password", placeholder: "access_token of POST /auth/v1/token", autocomplete: "off", input: (event) => {
    state.token = event.target.value.trim().replace(/^Bearer\s+/i, "");
    document.dispatchEvent(new Event("token"));
  } });
  token.value = state.token;
  panel.replaceChildren(make("h2", {}, "Who is asking"),
    person ? make("p", { class: "row" }, make("span", {}, "Signed in as ", make("strong", {}, person.email ?? person.id), "."),
      make("button", { type: "button", class: "quiet", click: async () => { await fetch("/api/session", { method: "DELETE" }); who(); } }, "Sign out")) : form,
    make("details", { open: !!state.token }, make("summary", {}, "Use a bearer token instead"), make("form", { submit: (event) => event.preventDefault() }, make("label", {}, make("span", {}, "Token (kept in this page only)"), token))));
}

// ---------------------------------------------------------------- the page
function operationsOf(api) {
  return Object.entries(api.paths).flatMap(([path, item]) => METHODS.filter((name) => item[name]).map((name) => {
    const operation = item[name];
    const parameters = [...(item.parameters ?? []), ...(operation.parameters ?? [])].map(resolve);
    const enters = Object.entries(operation.responses).some(([status, response]) => status === "201" && resolve(response).headers?.["Set-Cookie"]);
    const words = [name, path, operation.operationId, operation.summary, ...parameters.map((each) => each.name), ...fieldsOf(jsonOf(resolve(operation.requestBody)))];
    return { ...operation, path, method: name, parameters, enters, secured: operation.security?.length > 0, words: words.join(" ").toLowerCase() };
  }));
}

const fieldsOf = (schema) => schema ? [...Object.keys(resolve(schema).properties ?? {}), ...(variants(resolve(schema)) ?? []).flatMap((each) => Object.keys(resolve(each).properties ?? {}))] : [];

function show(api) {
  document.title = `${api.info.title}: API reference`;
  $("title").textContent = api.info.title;
  $("version").textContent = api.info.version;
  $("about").replaceChildren(make("h1", {}, api.info.title), ...prose(api.info.description));
  const operations = operationsOf(api);
  const entries = [];
  const sections = [];
  const index = [];
  for (const tag of api.tags ?? []) {
    const own = operations.filter((operation) => operation.tags?.[0] === tag.name);
    const row = api.components.schemas[nameOf(variants(jsonOf(resolve(own[0]?.responses["200"])) ?? {})?.[0]?.items ?? {})];
    const boxes = own.map(operationBox);
    const links = own.map((operation) => make("a", { href: `#${operation.operationId}` }, method(operation), make("span", {}, operation.summary)));
    const section = make("section", { "aria-labelledby": `tag-${tag.name}` }, make("h2", { id: `tag-${tag.name}` }, tag.name), prose(tag.description),
      row && make("details", { class: "model" }, make("summary", {}, "A row"), shape({ ...row, description: null }, true)), boxes);
    const group = make("div", { class: "group" }, make("a", { class: "tag", href: `#tag-${tag.name}` }, tag.name), links);
    own.forEach((operation, at) => entries.push({ words: `${tag.name} ${operation.words}`, nodes: [boxes[at], links[at]], section, group }));
    sections.push(section);
    index.push(group);
  }
  $("content").replaceChildren(...sections);
  $("index").replaceChildren(...index);
  $("search").addEventListener("input", () => search(entries));
}

function search(entries) {
  const words = $("search").value.toLowerCase().split(/\s+/).filter(Boolean);
  const alive = new Set();
  let count = 0;
  for (const entry of entries) {
    const fits = words.every((word) => entry.words.includes(word));
    for (const node of entry.nodes) node.hidden = !fits;
    if (fits) { count++; alive.add(entry.section).add(entry.group); }
  }
  for (const { section, group } of entries) { section.hidden = !alive.has(section); group.hidden = !alive.has(group); }
  if (words.length) $("found").scrollIntoView({ block: "nearest" });
  $("found").textContent = words.length ? (count ? `${count} of ${entries.length} operations` : "Nothing found. Search looks at paths, summaries, parameters and fields.") : "";
}

function openHash() {
  const target = document.getElementById(decodeURIComponent(location.hash.slice(1)));
  if (target?.matches("details")) target.open = true;
  target?.scrollIntoView();
  target?.querySelector("summary")?.focus({ preventScroll: true });
}

const narrow = matchMedia("(max-width: 60rem)");
if (narrow.matches) $("menu").open = false;
narrow.addEventListener("change", () => ($("menu").open = !narrow.matches));
$("index").addEventListener("click", (event) => { if (narrow.matches && event.target.closest("a")) $("menu").open = false; });
addEventListener("hashchange", openHash);
addEventListener("keydown", (event) => {
  if (event.key === "/" && !event.ctrlKey && !event.metaKey && !/^(INPUT|TEXTAREA|SELECT)$/.test(document.activeElement.tagName)) {
    event.preventDefault();
    $("search").focus();
  }
});

try {
  const response = await fetch("/openapi.json");
  if (!response.ok) throw new Error(`it answered ${response.status}`);
  state.document = await response.json();
  show(state.document);
  openHash();
  await who();
} catch (error) {
  $("content").replaceChildren(make("p", { class: "fault" }, `/openapi.json could not be read: ${error.message}.`));
}
