-- wrk's side of scripts/benchmark: posts photos as multipart forms to /search, one after the other.
--   wrk ... -s scripts/benchmark.lua http://127.0.0.1:PORT -- PHOTOS
-- PHOTOS is a file with a path on each line. The last line printed is `RESULT` and JSON.

local BOUNDARY = "lookalike-benchmark-7d1f0c6b52a94e38"
local requests, position = {}, 0

local function form(photo)
  return table.concat({
    "--" .. BOUNDARY,
    'Content-Disposition: form-data; name="image"; filename="photo.jpg"',
    "Content-Type: image/jpeg",
    "",
    photo,
    "--" .. BOUNDARY .. "--",
    "",
  }, "\r\n")
end

-- Requests are put together once, so that the client takes next to nothing while it measures.
function init(args)
  local headers = { ["Content-Type"] = "multipart/form-data; boundary=" .. BOUNDARY }
  for path in io.lines(args[1]) do
    local file = assert(io.open(path, "rb"))
    requests[#requests + 1] = wrk.format("POST", "/search", headers, form(file:read("*a")))
    file:close()
  end
end

function request()
  position = position % #requests + 1
  return requests[position]
end

function done(summary, latency, _)
  local errors = summary.errors
  io.write(string.format(
    'RESULT {"searches": %d, "seconds": %.6f, "p50_ms": %.3f, "p95_ms": %.3f, "p99_ms": %.3f, "errors": %d}\n',
    summary.requests, summary.duration / 1e6,
    latency:percentile(50) / 1e3, latency:percentile(95) / 1e3, latency:percentile(99) / 1e3,
    errors.connect + errors.read + errors.write + errors.timeout + errors.status
  ))
end
