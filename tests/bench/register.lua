-- SPDX-License-Identifier: Apache-2.0
-- register.lua - wrk: registrations of fresh ids; arguments: a number for this run's ids, and the
-- method: OPTIONS sends the same bytes, and is answered without a look at them

local run, count, method = 0, 0, "POST"
local headers = { ["Content-Type"] = "application/json" }
local shape = '{"peer_id":"%08x-0000-4000-8000-%012x","address":"10.1.2.3","port":9000,'
    .. '"archetypes":["kind-%d","zone-%d"],"metadata":{"note":"' .. string.rep("x", 89) .. '"}}'

function init(arguments)
    run = tonumber(arguments[1])
    method = arguments[2] or method
end

function request()
    count = count + 1
    local body = string.format(shape, run, count, count % 1000, count * 7 % 1000)
    return wrk.format(method, "/register", headers, body)
end
