#!/usr/bin/env python3
"""Makes every hash, path and signed text of vectors.json anew, and checks the signatures.

Written from README.md alone, shares no code with Commonroll, and needs nothing but Python's own library. Exits 0 if all
agree. A start for whoever writes a client; not a library (its Ed25519 is slow, and checks only).
"""
import base64
import hashlib
import hmac
import json
import pathlib
from datetime import date


def sha256(data):
    return hashlib.sha256(data).digest()


# ---- Trees (RFC 6962) ----
def leaf(entry):
    return sha256(b"\x00" + entry)


def node(left, right):
    return sha256(b"\x01" + left + right)


def tree(leaves):
    if len(leaves) == 1:
        return leaves[0]
    half = 1 << (len(leaves) - 1).bit_length() - 1
    return node(tree(leaves[:half]), tree(leaves[half:]))


def walk(here, index, size, path):
    """The root that a path leads to. The recursion is the tree's own: which half is the leaf in?"""
    if size == 1:
        assert not path, "path too long"
        return here
    half = 1 << (size - 1).bit_length() - 1
    sibling, below = path[-1], path[:-1]
    if index < half:
        return node(walk(here, index, half, below), sibling)
    return node(sibling, walk(here, index - half, size - half, below))


# ---- Records ----
def record_id(source, kind, school_date, local_key):
    days = (date.fromisoformat(school_date) - date(1970, 1, 1)).days
    name = f"commonroll/record-id/v1\n{source}\n{kind}\n{local_key}"
    return days.to_bytes(4, "big", signed=True) + sha256(name.encode())[:12]


def salt(secret, rid, revision, group):
    message = rid + revision.to_bytes(4, "big") + group.to_bytes(4, "big")
    return hmac.new(secret, message, hashlib.sha256).digest()[:16]


def group_leaf(number, salt, content):
    return sha256(b"\x00commonroll/group/v1\x00" + number.to_bytes(4, "big") + b"\x10" + salt + content)


# ---- Ed25519, verification only (RFC 8032) ----
P = 2**255 - 19
L = 2**252 + 27742317777372353535851937790883648493
D = -121665 * pow(121666, -1, P) % P


def point(data):
    y = int.from_bytes(data, "little")
    odd, y = y >> 255, y & ((1 << 255) - 1)
    square = (y * y - 1) * pow(D * y * y + 1, -1, P) % P
    x = pow(square, (P + 3) // 8, P)
    if x * x % P != square:
        x = x * pow(2, (P - 1) // 4, P) % P
    assert x * x % P == square, "not a point"
    return (P - x if x & 1 != odd else x), y


def add(a, b):
    (x1, y1), (x2, y2) = a, b
    k = D * x1 * x2 * y1 * y2 % P
    x = (x1 * y2 + x2 * y1) * pow(1 + k, -1, P) % P
    return x, (y1 * y2 + x1 * x2) * pow(1 - k, -1, P) % P


def times(n, a):
    total = (0, 1)
    while n:
        if n & 1:
            total = add(total, a)
        a, n = add(a, a), n >> 1
    return total


BASE = point((4 * pow(5, -1, P) % P).to_bytes(32, "little"))


def verify(public, text, signature):
    h = int.from_bytes(hashlib.sha512(signature[:32] + public + text).digest(), "little") % L
    s = int.from_bytes(signature[32:], "little")
    return s < L and times(s, BASE) == add(point(signature[:32]), times(h, point(public)))


# ---- The examples ----
def check_record(v, record):
    rid = record_id(v["source"], record["kind"], record["school_date"], record["local_key"])
    assert rid.hex() == record["record_id"], "record id"
    leaves = []
    for group in record["groups"]:
        own = salt(bytes.fromhex(v["salt_secret"]), rid, record["revision"], group["number"])
        assert own.hex() == group["salt"], "salt"
        leaves.append(group_leaf(group["number"], own, bytes.fromhex(group["content"])))
        assert leaves[-1].hex() == group["leaf"], "leaf"
    root = tree(leaves)
    assert root.hex() == record["record_root"], "record root"
    assert leaf(root).hex() == record["batch_leaf"], "batch leaf"
    return root


def check_withheld(v):
    hashes = []
    for group in v["withheld_by_policy"]["groups"]:
        shown = bytes.fromhex(group["salt"]), bytes.fromhex(group["content"])
        withheld = bytes.fromhex(group["withheld_hash"])
        hashes.append(withheld or group_leaf(group["number"], *shown))
    assert tree(hashes).hex() == v["withheld_by_policy"]["record_root"] == v["records"][0]["record_root"], "withheld"


def check_receipt(v, public):
    receipt, digest = v["receipt"], bytes(32)
    for record in receipt["received"]:
        digest = sha256(digest + record["sequence"].to_bytes(8, "big") + bytes.fromhex(record["record_root"]))
        assert digest.hex() == record["digest"], "digest"
    encoded = base64.b64encode(digest).decode()
    text = f"commonroll/receipt/v1\n{receipt['recipient']}\n{receipt['cursor']}\n{encoded}\n"
    assert text == receipt["text"], "receipt text"
    assert verify(public, text.encode(), bytes.fromhex(receipt["signature"])), "receipt signature"


def check_deletion(v, public):
    deletion, digest = v["deletion"], bytes(32)
    for copy in deletion["copies"]:
        said = copy["sequence"].to_bytes(8, "big") + bytes([copy["outcome"]]) + copy["reason"].encode()
        digest = sha256(digest + said)
        assert digest.hex() == copy["digest"], "deletion digest"
    head = f"commonroll/deletion/v1\n{deletion['recipient']}\n{deletion['notice']}\n{deletion['notice_sequence']}\n"
    text = head + base64.b64encode(digest).decode() + "\n"
    assert text == deletion["text"], "deletion text"
    signature = bytes.fromhex(deletion["signature"])
    assert verify(public, text.encode(), signature), "deletion signature"
    other = text.replace(deletion["recipient"], "ridgeway").encode()
    assert not verify(public, other, signature), "a receipt that fits another recipient"


def check_renewal(v, public):
    renewal = v["renewal"]
    request = sha256(bytes.fromhex(renewal["certificate_request"])).hex()
    text = f"commonroll/renew/v1\n{renewal['agent_id']}\n{renewal['made_at_us']}\n{request}\n"
    assert text == renewal["text"], "renewal text"
    assert verify(public, text.encode(), bytes.fromhex(renewal["signature"])), "renewal signature"


def main():
    v = json.loads(pathlib.Path(__file__).with_name("vectors.json").read_text())
    public, batch = bytes.fromhex(v["public_key"]), v["batch"]
    assert sha256(public)[:8].hex() == v["key_id"], "key id"
    roots = [check_record(v, record) for record in v["records"]]
    root = tree([leaf(r) for r in roots])
    assert root.hex() == batch["root"], "batch root"
    for index, (own, record) in enumerate(zip(roots, v["records"])):
        path = [bytes.fromhex(h) for h in record["batch_path"]]
        assert walk(leaf(own), index, batch["size"], path) == root, "path"
    text = f"commonroll/batch/v1\n{v['source']}\n{batch['number']}\n{batch['size']}\n{base64.b64encode(root).decode()}\n"
    assert text == batch["text"], "batch text"
    signature = bytes.fromhex(batch["signature"])
    assert verify(public, text.encode(), signature), "batch signature"
    assert not verify(public, text.encode() + b" ", signature), "a signature that fits anything"
    check_withheld(v)
    check_receipt(v, public)
    check_deletion(v, public)
    check_renewal(v, public)
    print(f"vectors.json: {len(roots)} records, batch, withheld groups, receipt, deletion receipt and renewal agree")


if __name__ == "__main__":
    main()
