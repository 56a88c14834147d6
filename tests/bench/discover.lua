-- SPDX-License-Identifier: Apache-2.0
-- discover.lua - wrk: drawn questions; arguments: a kind of peers, how many there are, and what is
-- asked: `id` a peer, `exclude` all but one of them, which no cache has the answer for

local kind, peers, what = 0, 0, ""

function init(arguments)
    kind, peers, what = tonumber(arguments[1]), tonumber(arguments[2]), arguments[3]
end

function request()
    local id = string.format("%08x-0000-4000-8000-%012x", kind, math.random(0, peers - 1))
    if what == "id" then
        return wrk.format("GET", "/v1/peers/" .. id)
    end
    return wrk.format("GET", string.format("/discover?archetype=of-%d&exclude=%s-%d", kind, id,
        math.random(1000000)))
end
