#!/bin/sh
# Says which cookies came, and sets two.
printf 'Content-Type: text/plain\r\n'
printf 'Set-Cookie: visits=%s; Path=/\r\n' "$QUERY_STRING"
printf 'Set-Cookie: theme=dark; Path=/; HttpOnly\r\n'
printf '\r\n%s\n' "$HTTP_COOKIE"
