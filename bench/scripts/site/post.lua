-- POST with a body of as many bytes as the argument says.
function init(args)
	wrk.method = "POST"
	wrk.headers["Content-Type"] = "application/octet-stream"
	wrk.body = string.rep("freshet ", tonumber(args[1]) / 8)
end
