#!/bin/sh
# Sends an event whenever a file appears, until there are as many as the query
# asks for.
printf 'Content-Type: text/event-stream\nCache-Control: no-store\n\n'
n=0
while [ "$n" -lt "$QUERY_STRING" ]; do
	printf 'data: %s\n\n' "$n"
	n=$((n + 1))
	until [ -e "$DATA/tick$n" ]; do sleep 0.01; done
done
