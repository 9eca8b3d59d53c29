-- Sends the requests of one file, one line each: METHOD <tab> PATH <tab> CONTENT-TYPE <tab> PREFER <tab> BODY.
-- They are formatted before the clock starts: a formatted request per call would cost wrk, which shares the cores, 2-3 us.
-- There is no response() here on purpose: it makes wrk parse headers and enter Lua for every reply. done() sees wrk's own count of
-- replies above 399; the harness adds what wrk cannot see by counting rows.
local lines, size, at, once = {}, 0, 0, false
local exhausted

function init(args)
  local token = args[2]
  once = args[3] == "once"
  if token ~= "-" then wrk.headers["Authorization"] = "Bearer " .. token end
  for line in io.lines(args[1]) do
    local method, path, kind, prefer, body = line:match("^(%u+)\t(%S+)\t(%S*)\t([^\t]*)\t(.*)$")
    if method == nil then error("not a request: " .. line) end
    local headers = {}
    if body == "" then body = nil else headers["Content-Type"] = kind end
    if prefer ~= "" then headers["Prefer"] = prefer end
    if next(headers) == nil then headers = nil else headers["Authorization"] = wrk.headers["Authorization"] end
    size = size + 1
    lines[size] = wrk.format(method, path, headers, body)
  end
  exhausted = wrk.format("GET", "/the-requests-of-this-run-are-used-up")
end

function request()
  at = at + 1
  if at > size then
    if once then return exhausted end   -- a 404: the run fails instead of measuring something else
    at = 1
  end
  return lines[at]
end

function done(summary, latency, requests)
  local errors = summary.errors
  io.write(string.format(
    'FIGURES {"requests":%d,"microseconds":%d,"bytes":%d,"p50":%d,"p99":%d,"slowest":%d,"connect":%d,"read":%d,"write":%d,"timeout":%d,"status":%d}\n',
    summary.requests, summary.duration, summary.bytes, latency:percentile(50), latency:percentile(99), latency.max,
    errors.connect, errors.read, errors.write, errors.timeout, errors.status))
end
