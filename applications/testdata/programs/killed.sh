#!/bin/sh
# Is killed in the midst of its answer, and says how often it was run.
echo run >>"$DATA/killed"
printf 'Content-Type: text/plain\n\n%s' "$QUERY_STRING"
kill -9 $$
