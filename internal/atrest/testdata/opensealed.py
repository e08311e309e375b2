# Opens what freshet has sealed, by docs/encryption.md alone. The first argument is a
# file of keys, the second says what is opened, the others where it is:
#
#   file FILE WHAT            a small file
#   ledger FOLDER             the ledger of jobs: entries and pages
#   inputs FOLDER DIGEST      a file that a job came with, by its SHA-256
#   inputs-of-worker FOLDER DIGEST     the same in the folder of a worker
#   outputs FOLDER            outputs of jobs
#   logs FOLDER               what tasks wrote
#   messages RECORD FILE WHAT ...      messages of NATS, by the record of their secrets
#
# Each thing comes as a line with its name and how long it is, and its bytes.
import base64, binascii, hmac, json, os, re, struct, sys
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256, Hash
from cryptography.hazmat.primitives.kdf.hkdf import HKDF


def secret(text):
    if len(text) >= 32 and len(text) % 2 == 0 and re.fullmatch("[0-9a-fA-F]*", text):
        return binascii.unhexlify(text)
    return base64.urlsafe_b64decode(text.rstrip("=") + "=" * (-len(text.rstrip("=")) % 4))


def key_file(name):
    lines = (line.split() for line in open(name))
    return {line[0]: secret(line[1]) for line in lines if line and not line[0].startswith("#")}


def small(data, what, keys):
    assert data[:9] == b"frshseal\x01", "no small file"
    end = 10 + data[9] + 32
    head, rest = data[:end], data[end:]
    name, salt = head[10:-32].decode(), head[-32:]
    aead = AESGCM(HKDF(SHA256(), 32, salt, b"freshet at rest 1: " + what.encode()).derive(keys[name]))
    chunks = [rest[i:i + 65552] for i in range(0, len(rest), 65552)]
    assert chunks, "no chunk"
    return b"".join(
        aead.decrypt(i.to_bytes(11, "big") + bytes([i == len(chunks) - 1]), chunk, head)
        for i, chunk in enumerate(chunks))


def crc32c(data):
    crc = 0xffffffff
    for byte in data:
        crc ^= byte
        for _ in range(8):
            crc = crc >> 1 ^ (0x82f63b78 if crc & 1 else 0)
    return crc ^ 0xffffffff


def read(*path):
    with open(os.path.join(*path), "rb") as file:
        return file.read()


def show(name, content):
    sys.stdout.buffer.write(b"%s %d\n" % (name.encode(), len(content)) + content + b"\n")


def folder(dir, what, keys):
    """The secret of a folder, and what the purpose of each of its files begins with."""
    own = small(read(dir, "sealed"), "folder of " + what, keys)
    assert len(own) == 32
    sum = Hash(SHA256())
    sum.update(own)
    return own, "%s %s: " % (what, sum.finalize()[:16].hex())


def files(dir):
    """The files of a folder by their paths in it, in order, but for its marker."""
    all = [os.path.relpath(os.path.join(at, name), dir) for at, _, names in os.walk(dir) for name in names]
    return sorted(name.replace(os.sep, "/") for name in all if name not in ("sealed", "lock"))


def ledger(dir, keys):
    _, purpose = folder(dir, "ledger of jobs", keys)
    for name in files(dir):
        data = read(dir, name)
        if name.startswith("page-"):
            key = name[len("page-"):]
            assert struct.unpack_from("<I", data)[0] == crc32c(data[4:]), "checksum"
            show("page " + key, small(data[4:], purpose + "page " + key, keys))
            continue
        number, at = int(name[len("log-"):]), 0
        while at < len(data):
            length, sum = struct.unpack_from("<II", data, at)
            entry = data[at + 8:at + 8 + length]
            assert sum == crc32c(struct.pack("<Q", number) + entry), "checksum"
            show("entry %d" % number, small(entry, purpose + "entry %d" % number, keys))
            at, number = at + 8 + length, number + 1


def inputs(dir, what, digest, keys):
    own, purpose = folder(dir, what, keys)
    name = hmac.digest(own, digest.encode(), "sha256").hex()
    show(digest, small(read(dir, name), purpose + "input " + name, keys))


def outputs(dir, keys):
    _, purpose = folder(dir, "outputs of jobs", keys)
    for name in files(dir):
        show(name, small(read(dir, name), purpose + "output " + name, keys))


def logs(dir, keys):
    _, purpose = folder(dir, "logs of jobs", keys)
    for name in files(dir):
        data, at, text = read(dir, name), 0, b""
        while at < len(data):
            length, = struct.unpack_from(">I", data, at)
            part = data[at + 4:at + 4 + length]
            text += small(part, "%slog %s at %d" % (purpose, name.removesuffix(".log"), len(text)), keys)
            at += 4 + length
        show(name, text)


def messages(record, rest, keys):
    record = json.loads(small(read(record), "fleet secrets", keys))
    own = {s["id"]: base64.b64decode(s["secret"]) for s in record["secrets"]}
    for file, what in zip(rest[::2], rest[1::2]):
        show(what, small(read(file), what, own))


keys, kind, rest = key_file(sys.argv[1]), sys.argv[2], sys.argv[3:]
if kind == "file":
    show(rest[1], small(read(rest[0]), rest[1], keys))
elif kind == "ledger":
    ledger(rest[0], keys)
elif kind == "inputs":
    inputs(rest[0], "inputs of jobs", rest[1], keys)
elif kind == "inputs-of-worker":
    inputs(rest[0], "inputs of a worker", rest[1], keys)
elif kind == "outputs":
    outputs(rest[0], keys)
elif kind == "logs":
    logs(rest[0], keys)
elif kind == "messages":
    messages(rest[0], rest[1:], keys)
else:
    sys.exit("nothing is known of " + kind)
