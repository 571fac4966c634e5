"""Checks vectors.json with Python alone: the formulas of ../README.md, and no code of ours.

    python3 crates/audit/tests/check_vectors.py

Hashes need the standard library only. Signatures are checked where the package `cryptography` is there.
"""

import base64
import hashlib
import hmac
import json
import pathlib

try:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
except ImportError:
    Ed25519PublicKey = None


def sha256(data):
    return hashlib.sha256(data).digest()


def leaf(entry):
    return sha256(b"\x00" + entry)


def tree(leaves):
    """RFC 6962, section 2.1."""
    if len(leaves) < 2:
        return leaves[0] if leaves else sha256(b"")
    part = 1 << ((len(leaves) - 1).bit_length() - 1)
    return sha256(b"\x01" + tree(leaves[:part]) + tree(leaves[part:]))


def path_root(node, index, size, path):
    """Where a path leads, by the recursive definition: the last hash of the path is the sibling below the root."""
    if size == 1:
        assert not path
        return node
    part = 1 << ((size - 1).bit_length() - 1)
    if index < part:
        return sha256(b"\x01" + path_root(node, index, part, path[:-1]) + path[-1])
    return sha256(b"\x01" + path[-1] + path_root(node, index - part, size - part, path[:-1]))


def check_signature(public, signature, text):
    if Ed25519PublicKey:
        Ed25519PublicKey.from_public_bytes(public).verify(signature, text)


def check_record(record, secret):
    leaves = []
    for group in record["groups"]:
        number = group["number"].to_bytes(4, "big")
        message = bytes.fromhex(record["id"]) + record["revision"].to_bytes(4, "big") + number
        salt = hmac.new(secret, message, hashlib.sha256).digest()[:16]
        assert salt.hex() == group["salt"]
        content = bytes.fromhex(group["content"])
        leaves.append(sha256(b"\x00commonroll/group/v1\x00" + number + b"\x10" + salt + content))
        assert leaves[-1].hex() == group["leaf"]
    assert tree(leaves).hex() == record["record_root"]
    return tree(leaves)


def check_batch(batch, secret):
    roots = [check_record(proof["record"], secret) for proof in batch["records"]]
    batch_root = tree([leaf(root) for root in roots])
    assert batch_root.hex() == batch["batch_root"]
    for root, proof in zip(roots, batch["records"]):
        path = [bytes.fromhex(sibling) for sibling in proof["path"]]
        assert leaf(root).hex() == proof["batch_leaf"]
        assert path_root(leaf(root), proof["index"], batch["count"], path) == batch_root
    text = f"commonroll/batch/v1\n{batch['source']}\n{batch['number']}\n{batch['count']}\n"
    text = (text + base64.b64encode(batch_root).decode() + "\n").encode()
    assert text.hex() == batch["signed_text"]
    public = bytes.fromhex(batch["public_key"])
    assert sha256(public)[:8].hex() == batch["key_id"]
    check_signature(public, bytes.fromhex(batch["signature"]), text)


def check_receipt(receipt):
    digest = bytes.fromhex(receipt["start"])
    for step in receipt["steps"]:
        digest = sha256(digest + step["sequence"].to_bytes(8, "big") + bytes.fromhex(step["record_root"]))
        assert digest.hex() == step["digest"]
    text = f"commonroll/receipt/v1\n{receipt['recipient']}\n{receipt['cursor']}\n"
    text = (text + base64.b64encode(digest).decode() + "\n").encode()
    assert text.hex() == receipt["signed_text"]
    check_signature(bytes.fromhex(receipt["public_key"]), bytes.fromhex(receipt["signature"]), text)


def check_checkpoint(checkpoint):
    root = tree([leaf(bytes.fromhex(entry)) for entry in checkpoint["entries"]])
    assert root.hex() == checkpoint["root"]
    name, key_id, typed = checkpoint["verifier_key"].split("+", 2)
    typed = base64.b64decode(typed)
    assert typed[0] == 1 and sha256(name.encode() + b"\n" + typed)[:4].hex() == key_id
    text, signatures = bytes.fromhex(checkpoint["note"]).decode().rsplit("\n\n", 1)
    text = (text + "\n").encode()
    assert text.decode() == f"{checkpoint['origin']}\n{checkpoint['size']}\n{base64.b64encode(root).decode()}\n"
    dash, signer, blob = signatures.rstrip("\n").split(" ")
    blob = base64.b64decode(blob)
    assert (dash, signer, blob[:4].hex()) == ("\u2014", name, key_id)
    check_signature(typed[1:], blob[4:], text)


if __name__ == "__main__":
    vectors = json.loads(pathlib.Path(__file__).with_name("vectors.json").read_text())
    check_batch(vectors["batch"], bytes.fromhex(vectors["salt_secret"]))
    check_receipt(vectors["receipt"])
    check_checkpoint(vectors["checkpoint"])
    print("all vectors hold" if Ed25519PublicKey else "all hashes hold; signatures were not checked")
