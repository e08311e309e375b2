-- Asks for 20,000 files in 100 folders, in a pseudo-random order that is the
-- same in every run. All requests are made beforehand: picking one costs
-- nothing to speak of.
local files, folder = 20000, 200
local requests = {}
local x = 1

function init(args)
   for i = 0, files - 1 do
      local path = string.format("/many/d%02d/f%03d.txt", math.floor(i / folder), i % folder)
      requests[i] = wrk.format("GET", path)
   end
end

-- The minimal standard generator of Park and Miller; the product stays below
-- 2^53, where a number of Lua is exact.
function request()
   x = (x * 16807) % 2147483647
   return requests[x % files]
end
