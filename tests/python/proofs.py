"""Checks a Commonroll log, its checkpoints, proof files and a cosignature with pymerkle and cryptography, which share
no code with us.

    python proofs.py LOG_KEY WITNESS_KEY FOLDER

FOLDER holds leaves.txt (`audit show --raw`), old.checkpoint, new.consistency, cosigned.checkpoint and *.tlog-proof.
Prints one line and ends with 0 only if all of it holds.
"""

import base64
import hashlib
import pathlib
import sys

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from pymerkle import InmemoryTree, verify_consistency
from pymerkle.core import _inclusion_path_layout
from pymerkle.proof import InclusionProof, InvalidProof


class Key:
    """A verifier key: <name>+<key id>+<base64 of type and public key>."""

    def __init__(self, text):
        self.name, key_id, typed = text.split("+", 2)
        typed = base64.b64decode(typed)
        self.kind, self.id = typed[0], bytes.fromhex(key_id)
        assert self.id == hashlib.sha256(self.name.encode() + b"\n" + typed).digest()[:4], "the key id"
        self.public = Ed25519PublicKey.from_public_bytes(typed[1:])

    def line(self, note):
        """The signed text of a note, and what this key's line holds behind the key id."""
        text, lines = note.rsplit("\n\n", 1)
        for line in lines.splitlines():
            dash, name, blob = line.split(" ")
            blob = base64.b64decode(blob)
            if dash == "\u2014" and name == self.name and blob[:4] == self.id:
                return (text + "\n").encode(), blob[4:]
        raise SystemExit(f"{self.name} has not signed")

    def open(self, note):
        """Size and root of a checkpoint that this log signed."""
        assert self.kind == 1
        text, signature = self.line(note)
        self.public.verify(signature, text)
        origin, size, root = text.decode().splitlines()
        assert origin == self.name
        return int(size), base64.b64decode(root)

    def seen(self, note):
        """When this witness saw a checkpoint, in Unix seconds."""
        assert self.kind == 4
        text, blob = self.line(note)
        seconds = int.from_bytes(blob[:8], "big")
        self.public.verify(blob[8:], f"cosignature/v1\ntime {seconds}\n".encode() + text)
        return seconds


def main(log_key, witness_key, folder):
    key, witness, folder = Key(log_key), Key(witness_key), pathlib.Path(folder)
    read = lambda name: (folder / name).read_text(encoding="utf-8")

    tree = InmemoryTree(algorithm="sha256")
    for line in read("leaves.txt").splitlines():
        tree.append_entry(base64.b64decode(line))

    old_size, old_root = key.open(read("old.checkpoint"))
    head, note = read("new.consistency").split("\n\n", 1)
    new_size, new_root = key.open(note)
    assert head.splitlines()[0] == f"old {old_size}"
    assert tree.get_root(old_size) == old_root and tree.get_root(new_size) == new_root, "the roots"
    # pymerkle's consistency proofs have another shape, so it makes its own between the two signed roots.
    theirs = tree.prove_consistency(old_size, new_size)
    verify_consistency(old_root, new_root, theirs, prior_size=old_size, later_size=new_size)

    files = sorted(folder.glob("*.tlog-proof"))
    for file in files:
        head, note = file.read_text(encoding="utf-8").split("\n\n", 1)
        first, extra, index, *path = head.splitlines()
        assert first == "c2sp.org/tlog-proof@v1"
        size, root = key.open(note)
        entry = base64.b64decode(extra.removeprefix("extra "))
        index = int(index.removeprefix("index ")) + 1
        leaf = tree.hash_buff(entry)
        rule, _ = _inclusion_path_layout(index, size)
        ours = InclusionProof("sha256", True, size, index, rule, [leaf] + [base64.b64decode(h) for h in path])
        ours.verify(leaf, root, index=index, size=size)
        assert ours.path == tree.prove_inclusion(index, size).path
        try:
            ours.verify(tree.hash_buff(entry + b" "), root)
            raise SystemExit("a changed entry holds too")
        except InvalidProof:
            pass

    cosigned = read("cosigned.checkpoint")
    assert key.open(cosigned)[0] == new_size
    seconds = witness.seen(cosigned)
    try:
        witness.seen(cosigned.replace(f"\n{new_size}\n", f"\n{new_size + 1}\n", 1))
        raise SystemExit("a cosignature holds for another checkpoint too")
    except InvalidSignature:
        pass
    print(f"{len(files)} inclusion proofs, {new_size} entries extend {old_size}, seen at {seconds}")


main(*sys.argv[1:])
