#!/bin/sh
# Makes all of the head itself.
printf 'HTTP/1.1 203 As It Was\r\nContent-Type: text/plain\r\nX-Protocol: %s\r\n\r\nraw\n' "$SERVER_PROTOCOL"
