-- Both layers of a rate limit, decided at once. What bwp-domain's Window does, on a list in Redis.
--
-- KEYS: the tenant's list, the key's list. ARGV: three numbers for each layer (limit, window and slot in milliseconds;
-- limit 0: the layer does not count), what to charge each layer, and 1 to charge or 0 to look.
--
-- A list holds spendings, oldest first, as "milliseconds:amount:sum", the sum being that of the list up to and with this
-- entry. So what the window holds is the difference between its ends, and no second key has to agree with the list.
--
-- Answers three numbers for each layer: 1 if there is room, what was spent, and in how many milliseconds more remains.

local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)

local function read(entry)
    local at, amount, sum = string.match(entry, '^(%d+):(%d+):(%d+)$')
    return { at = tonumber(at), amount = tonumber(amount), sum = tonumber(sum) }
end

local function write(at, amount, sum)
    return string.format('%d:%d:%d', at, amount, sum)
end

local function entry(list, index)
    local text = redis.call('LINDEX', list, index)
    return text and read(text)
end

-- The clock was set back (another Redis took over): what now lies in the future counts as spent now.
local function set_back(list, last)
    local amount, before = 0, last.sum
    while last and last.at >= now do
        amount = amount + last.amount
        before = last.sum - last.amount
        redis.call('RPOP', list)
        last = entry(list, -1)
    end
    redis.call('RPUSH', list, write(now, amount, before + amount))
end

-- Lets go of what has left the window: by the hundred, for all of an hour may leave in one moment.
local function let_go(layer)
    while true do
        local gone = 0
        for _, text in ipairs(redis.call('LRANGE', layer.list, 0, 99)) do
            if read(text).at + layer.window > now then break end
            gone = gone + 1
        end
        redis.call('LTRIM', layer.list, gone, -1)
        if gone < 100 then return end
    end
end

-- Reads the window's ends as they are now.
local function advance(layer)
    layer.first, layer.last = nil, entry(layer.list, -1)
    if not layer.last then return end
    if layer.last.at > now then
        set_back(layer.list, layer.last)
        layer.last = entry(layer.list, -1)
    end
    layer.first = entry(layer.list, 0)
    if layer.first.at + layer.window <= now then
        let_go(layer)
        layer.first, layer.last = entry(layer.list, 0), entry(layer.list, -1)
    end
end

local function used(layer)
    return layer.first and layer.last.sum - layer.first.sum + layer.first.amount or 0
end

local function spend(layer)
    if layer.amount == 0 then return end
    local last = layer.last
    if last and math.floor(last.at / layer.slot) == math.floor(now / layer.slot) then
        local alone = last.sum - last.amount == layer.first.sum - layer.first.amount
        layer.last = { at = now, amount = last.amount + layer.amount, sum = last.sum + layer.amount }
        if alone then layer.first = layer.last end
        redis.call('LSET', layer.list, -1, write(layer.last.at, layer.last.amount, layer.last.sum))
    else
        layer.last = { at = now, amount = layer.amount, sum = (last and last.sum or 0) + layer.amount }
        layer.first = layer.first or layer.last
        redis.call('RPUSH', layer.list, write(layer.last.at, layer.last.amount, layer.last.sum))
    end
    -- Nobody sweeps: what is over goes by itself.
    redis.call('PEXPIRE', layer.list, layer.window + 1000)
end

-- When the oldest leaves, or, while nothing remains, when so many have left that there is room again.
local function wait(layer)
    if not layer.first then return 0 end
    local target = math.min(used(layer), layer.limit)
    local candidate, from = layer.first, 1
    if layer.last.sum - candidate.sum < target then return candidate.at + layer.window - now end
    while true do
        local entries = redis.call('LRANGE', layer.list, from, from + 99)
        if #entries == 0 then return 0 end
        for _, text in ipairs(entries) do
            candidate = read(text)
            if layer.last.sum - candidate.sum < target then return candidate.at + layer.window - now end
        end
        from = from + 100
    end
end

local layers = {}
for i = 1, 2 do
    layers[i] = {
        list = KEYS[i],
        limit = tonumber(ARGV[3 * i - 2]),
        window = tonumber(ARGV[3 * i - 1]),
        slot = tonumber(ARGV[3 * i]),
        amount = tonumber(ARGV[6 + i]),
    }
end
local charging = ARGV[9] == '1'

local room = true
for _, layer in ipairs(layers) do
    layer.room = true
    if layer.limit > 0 then
        advance(layer)
        layer.room = used(layer) < layer.limit
        room = room and layer.room
    end
end

local answer = {}
for _, layer in ipairs(layers) do
    if layer.limit > 0 and room and charging then spend(layer) end
    answer[#answer + 1] = layer.room and 1 or 0
    answer[#answer + 1] = layer.limit > 0 and used(layer) or 0
    answer[#answer + 1] = layer.limit > 0 and wait(layer) or 0
end
return answer
