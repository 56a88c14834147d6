-- SPDX-License-Identifier: Apache-2.0
-- heartbeat.lua - wrk: heartbeats; arguments: the number of the run that registered, how many ids

local run, ids, count = 0, 0, 0
local headers = { ["Content-Type"] = "application/json" }

function init(arguments)
    run, ids = tonumber(arguments[1]), tonumber(arguments[2])
end

function request()
    count = count % ids + 1
    -- The first registration was a trial that wrk does not send.
    local body = string.format('{"peer_id":"%08x-0000-4000-8000-%012x"}', run, count + 1)
    return wrk.format("POST", "/heartbeat", headers, body)
end
