#!/bin/sh
# Counts the octets of the body that it is sent.
printf 'Content-Type: text/plain\n\n'
printf '%s octets were announced, %s came\n' "${CONTENT_LENGTH:-0}" "$(wc -c | tr -d ' ')"
