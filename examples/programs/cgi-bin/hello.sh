#!/bin/sh
# Says what the server tells a program of the request (RFC 3875).
printf 'Content-Type: text/plain; charset=utf-8\nCache-Control: max-age=5\n\n'
printf 'program    %s\nafter it   %s\nquery      %s\nclient     %s\nrequest    %s\nrun as     %s\nat         %s\n' \
	"$SCRIPT_NAME" "$PATH_INFO" "$QUERY_STRING" "$REMOTE_ADDR" "$UNIQUE_ID" "$(id -un)" "$(date)"
