-- Asks for something else each time, also in the next run: the path of the URL
-- with the second and a number behind it.
local before, after
local n = 0

function init(args)
   local whole = wrk.format("GET", wrk.path .. "@")
   before, after = whole:match("^(.-)@(.*)$")
   before = before .. "-" .. os.time() .. "-"
end

function request()
   n = n + 1
   return before .. n .. after
end
