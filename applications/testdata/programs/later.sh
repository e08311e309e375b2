#!/bin/sh
# Leaves a process behind, as careless programs do.
sleep 600 </dev/null >/dev/null 2>&1 &
printf 'Content-Type: text/plain\n\nstarted\n'
