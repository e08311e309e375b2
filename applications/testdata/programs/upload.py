#!/usr/bin/python3 -W ignore
# Takes a form with files by the module cgi, which Python had until 3.12.
import cgi
import hashlib

form = cgi.FieldStorage()
print("Content-Type: text/plain; charset=utf-8\n")
for name in sorted(form.keys()):
    fields = form[name] if isinstance(form[name], list) else [form[name]]
    for field in fields:
        if field.filename is None:
            print(f"{name}: {field.value}")
            continue
        digest, octets = hashlib.sha256(), 0
        while piece := field.file.read(1 << 16):
            digest.update(piece)
            octets += len(piece)
        print(f"{name}: {field.filename} {field.type} {octets} {digest.hexdigest()}")
