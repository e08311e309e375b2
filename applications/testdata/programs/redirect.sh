#!/bin/sh
# Redirects as the query says.
case $QUERY_STRING in
local) printf 'Location: /cgi-bin/environment.sh/there?moved\n\n' ;;
file) printf 'Location: /page.html\n\n' ;;
away) printf 'Location: https://example.com/a#b\n\n' ;;
other) printf 'Status: 303 See Other\nLocation: /cgi-bin/environment.sh\nContent-Type: text/plain\n\nlook there\n' ;;
loop) printf 'Location: /cgi-bin/redirect.sh?loop\n\n' ;;
round) printf 'Location: /cgi-bin/redirect.sh?trip\n\n' ;;
trip) printf 'Location: /cgi-bin/redirect.sh?round\n\n' ;;
[0-9]*) printf 'Location: /cgi-bin/redirect.sh?1%s\n\n' "$QUERY_STRING" ;;
*) printf 'Status: 404 Not Found\nContent-Type: text/plain\n\nno such redirect\n' ;;
esac
