# Opens what a sealed store has, by docs/encryption.md alone: the folder is the
# first argument, a file of keys the second, what the cache calls its key the
# third. Prints the metadata in one line, then the bodies. Of a small file the
# third argument is "is" and what it is: then it prints what that has.
import binascii, hmac, struct, sys
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

folder, keys, name = sys.argv[1:]
secrets = {n: binascii.unhexlify(s) for n, s in (line.split() for line in open(keys))}


def cipher(key, salt, what):
    return AESGCM(HKDF(SHA256(), 32, salt, b"freshet at rest 1: " + what.encode()).derive(secrets[key]))


def small(path, what):
    data = open(path, "rb").read()
    assert data[:9] == b"frshseal\x01"
    end = 10 + data[9] + 32
    head, rest = data[:end], data[end:]
    aead = cipher(head[10:-32].decode(), head[-32:], what)
    parts = [rest[i:i + 65552] for i in range(0, len(rest), 65552)]
    return b"".join(
        aead.decrypt(i.to_bytes(11, "big") + bytes([i == len(parts) - 1]), part, head)
        for i, part in enumerate(parts))


if name.startswith("is "):
    sys.stdout.buffer.write(small(folder, name[3:]))
    sys.exit()
names = small(folder + "/sealed", "disk store folder")
key = hmac.digest(names, name.encode(), "sha256").hex()
record = folder + "/objects/" + key[:2] + "/" + key
r = small(record + ".m", "record " + key)
assert r[:8] == b"frshobj\n" and r[24:56].hex() == key
meta, count = struct.unpack_from("<II", r, 56)
at, bodies = 64, []
for _ in range(count):
    id, size, extents, seals, pens, flags = struct.unpack_from("<QQIIII", r, at)
    at += 32
    if flags == 1:
        bodies.append((pens, None, None, None, None))
        continue
    assert flags == 2
    e = [struct.unpack_from("<QQ", r, at + 16 * i) for i in range(extents)]
    at += 16 * extents
    s = [struct.unpack_from("<II16s", r, at + 24 * i) for i in range(seals)]
    at += 24 * seals
    p = []
    for _ in range(pens):
        n = r[at]
        p.append(cipher(r[at + 1:at + 1 + n].decode(), r[at + 1 + n:at + 33 + n], "body %016x" % id))
        at += 33 + n
    bodies.append((size, "%016x" % id, e, s, p))
out = sys.stdout.buffer
out.write(r[at:at + meta] + b"\n")
at += meta
for size, id, extents, seals, pens in bodies:
    if id is None:
        out.write(r[at:at + size])
        at += size
        continue
    file = open(record + "." + id, "rb").read()
    assert len(file) <= size
    for start, end in extents:
        while start < end:
            n, pen, tag = seals.pop(0)
            nonce = bytes(3) + start.to_bytes(8, "big") + bytes(1)
            out.write(pens[pen].decrypt(nonce, file[start:start + n] + tag, n.to_bytes(4, "big")))
            start += n
assert at == len(r)
