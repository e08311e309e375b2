-- Asks a proxy, which is where wrk connects to, for the URL of the argument.
local whole

function init(args)
   wrk.headers["Host"] = args[1]:match("^http://([^/]*)")
   whole = wrk.format("GET", args[1])
end

function request()
   return whole
end
