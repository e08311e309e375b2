#!/bin/sh
# Sends the time as server-sent events, each as soon as it is printed.
printf 'Content-Type: text/event-stream\nCache-Control: no-store\n\n'
i=0
while [ "$i" -lt 10 ]; do
	printf 'data: %s\n\n' "$(date +%T)"
	i=$((i + 1))
	sleep 1
done
