-- Sends as many requests at once as the argument says.
local batch

function init(args)
   local one = {}
   for i = 1, tonumber(args[1]) do
      one[i] = wrk.format()
   end
   batch = table.concat(one)
end

function request()
   return batch
end
