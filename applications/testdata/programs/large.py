#!/usr/bin/python3
# Prints as many octets as the query says, and reads no body.
import os, sys

left = int(os.environ["QUERY_STRING"])
sys.stdout.write(f"Content-Type: application/octet-stream\nContent-Length: {left}\n\n")
sys.stdout.flush()
piece = bytes(range(256)) * 256
while left > 0:
    left -= sys.stdout.buffer.write(piece[: min(left, len(piece))])
