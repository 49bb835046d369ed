-- The load, for wrk: what to send is said by the environment (see `Load` in bench/measure.py).
--
-- BENCH_OPERATION   me, list, get, create, update, leads, create-lead, or fixed (BENCH_PATH with the key number BENCH_KEY)
-- BENCH_KEYS        the file with the keys, one a line
-- BENCH_TENANTS, BENCH_ROUNDS, BENCH_PER_ROUND   how ids tell tenants (see bench/data.sql)
-- BENCH_FIRST_STAGE the stage of the first tenant's leads
-- BENCH_RUN         a word that no other run has, for idempotency keys

local number_of_threads = 0

function setup(thread)
    thread:set("number", number_of_threads)
    number_of_threads = number_of_threads + 1
end

local tenants, rounds, per_round, first_stage, keys, run
local count = 0
local random = math.random

local function read_keys(path)
    local list = {}
    for line in io.lines(path) do
        list[#list + 1] = line
    end
    assert(#list > 0, "no keys in " .. path)
    return list
end

-- A random key, and the slot of its tenant.
local function some_key()
    local n = random(0, #keys - 1)
    return keys[n + 1], n % (tenants + 1)
end

-- A random contact of the tenant of a slot.
local function some_contact(slot)
    if slot == tenants then
        slot = slot + random(0, per_round - 1)
    end
    return random(0, rounds - 1) * (tenants + per_round) + slot + 1
end

local function head(method, path, key)
    return method .. " " .. path .. " HTTP/1.1\r\nHost: 127.0.0.1\r\nAuthorization: Bearer " .. key .. "\r\n"
end

local function keyed(method, path, key, body)
    count = count + 1
    return head(method, path, key) .. "Idempotency-Key: " .. run .. "-" .. number .. "-" .. count
        .. "\r\nContent-Type: application/json\r\nContent-Length: " .. #body .. "\r\n\r\n" .. body
end

local operations = {}

function operations.me()
    return head("GET", "/api/v1/me", (some_key())) .. "\r\n"
end

function operations.list()
    return head("GET", "/api/v1/contacts", (some_key())) .. "\r\n"
end

function operations.get()
    local key, slot = some_key()
    return head("GET", "/api/v1/contacts/" .. some_contact(slot), key) .. "\r\n"
end

-- The same text as in bench/pgbench/create-*.sql.
function operations.create()
    local n = random(100000, 999999)
    return keyed("POST", "/api/v1/contacts", (some_key()),
        '{"firstName": "Ada", "lastName": "Byron", "companyName": "Granite Masonry ' .. n .. ' LLC", "position": "Site manager", '
        .. '"email": "ada.byron' .. n .. '@masonry.example.com", "phone": "+1 555 0' .. n .. '", "mobile": "+1 555 1' .. n .. '", '
        .. '"website": "https://www.masonry' .. n .. '.example.com", '
        .. '"notes": "Prefers to be called in the morning. Reference: job ' .. n .. '.", "type": "subcontractor"}')
end

function operations.update()
    local key, slot = some_key()
    return keyed("PATCH", "/api/v1/contacts/" .. some_contact(slot), key,
        '{"phone": "+1 555 ' .. random(100000000, 999999999) .. '"}')
end

function operations.leads()
    return head("GET", "/api/v1/leads", (some_key())) .. "\r\n"
end

operations["create-lead"] = function()
    local key, slot = some_key()
    local n = random(100000, 999999)
    return keyed("POST", "/api/v1/leads", key,
        '{"name": "Garage, ' .. n .. ' Elm Street", "stageId": ' .. (first_stage + slot) .. ', "contactId": ' .. some_contact(slot)
        .. ', "source": "referral", "estimatedValue": "' .. n .. '.50", '
        .. '"description": "A double garage with a flat roof. Reference: job ' .. n .. '.", '
        .. '"siteAddress": "' .. n .. ' Elm Street", "siteCity": "Springfield"}')
end

function operations.fixed()
    return head("GET", os.getenv("BENCH_PATH"), keys[tonumber(os.getenv("BENCH_KEY")) + 1]) .. "\r\n"
end

function init()
    tenants = tonumber(os.getenv("BENCH_TENANTS"))
    rounds = tonumber(os.getenv("BENCH_ROUNDS"))
    per_round = tonumber(os.getenv("BENCH_PER_ROUND"))
    first_stage = tonumber(os.getenv("BENCH_FIRST_STAGE"))
    run = os.getenv("BENCH_RUN")
    keys = read_keys(os.getenv("BENCH_KEYS"))
    local seed = os.time() * 16 + number
    for character in run:gmatch(".") do
        seed = (seed * 31 + character:byte()) % 2147483647
    end
    math.randomseed(seed)
    request = operations[os.getenv("BENCH_OPERATION")]
end

function done(summary, latency)
    local errors = summary.errors
    io.write(string.format(
        'RESULT {"requests": %d, "bytes": %d, "seconds": %.6f, "p50_ms": %.4f, "p99_ms": %.4f, "max_ms": %.4f, '
        .. '"not_2xx": %d, "connect": %d, "read": %d, "write": %d, "timeout": %d}\n',
        summary.requests, summary.bytes, summary.duration / 1e6, latency:percentile(50) / 1e3, latency:percentile(99) / 1e3,
        latency.max / 1e3, errors.status, errors.connect, errors.read, errors.write, errors.timeout))
end
