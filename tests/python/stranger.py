#!/usr/bin/env python3
"""A stranger's client: written from proto/README.md and the .proto files alone, with no code of Commonroll.

It plays one partner for a moment: joins with an invitation, declares, publishes a signed mark, receives one and
verifies it, acknowledges with a signed receipt, and renews its certificate. Not a library: it keeps nothing on disk.

    stranger.py PROTO_FOLDER INVITATION_FILE PARTNER

It prints a line for each step ("joined", "declared", "published" ...), so that whoever plays PARTNER knows when to go
on; the parts and their numbers are those of proto/README.md.
"""
import base64
import hashlib
import hmac
import importlib
import json
import pathlib
import secrets
import sys
import tempfile
import time
from datetime import date

import grpc
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519
from grpc_tools import protoc

SECONDS_MAX = 20
DAY = "2026-09-14"


def sha256(data):
    return hashlib.sha256(data).digest()


def say(step, **more):
    print(step, json.dumps(more), flush=True)


# ---- Stubs from the schema ----
def stubs(folder):
    """Generates Python modules from every .proto file into a temporary folder; gives a function that imports one."""
    out = tempfile.mkdtemp(prefix="stranger-")
    files = sorted(str(path) for path in folder.glob("commonroll/*/v1/*.proto"))
    status = protoc.main(["protoc", f"-I{folder}", f"--python_out={out}", f"--grpc_python_out={out}", *files])
    assert status == 0, "protoc refused the schema"
    sys.path.insert(0, out)
    return lambda area, suffix="pb2": importlib.import_module(f"commonroll.{area}.v1.{area}_{suffix}")


# ---- 1 and 7: join, connect, renew ----
def read_invitation(path):
    kind, _, body = path.read_text().strip().partition(".")
    assert kind == "crinv1", "not an invitation"
    return json.loads(base64.urlsafe_b64decode(body + "=" * (-len(body) % 4)))


def pem(der):
    return x509.load_der_x509_certificate(der).public_bytes(serialization.Encoding.PEM)


def dial(address, authority, key=None, certificate=None):
    """TLS that trusts the consortium's own authority only, and asks for the hub's one name wherever it listens."""
    credentials = grpc.ssl_channel_credentials(pem(authority), key, certificate)
    return grpc.secure_channel(address, credentials, [("grpc.ssl_target_name_override", "hub.commonroll.internal")])


def certificate_request():
    """A fresh P-256 key as PEM, and a PKCS#10 request for it as DER."""
    key = ec.generate_private_key(ec.SECP256R1())
    builder = x509.CertificateSigningRequestBuilder().subject_name(x509.Name([]))
    request = builder.sign(key, hashes.SHA256()).public_bytes(serialization.Encoding.DER)
    text = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    return text, request


def join(pb, invitation, signing):
    key, request = certificate_request()
    enrolment = pb("enrolment", "pb2_grpc").EnrolmentServiceStub(
        dial(invitation["join"], base64.b64decode(invitation["ca"]))
    )
    joined = enrolment.Join(
        pb("enrolment").JoinRequest(
            code=invitation["code"],
            certificate_request=request,
            signing_key=signing.public_key().public_bytes_raw(),
            agent_version="stranger.py",
        ),
        timeout=SECONDS_MAX,
    )
    assert len(joined.agent_id) == 16 and joined.institution == invitation["institution"]
    assert joined.log_key, "the key of the hub's log"
    return joined, key


def renew(pb, invitation, joined, signing):
    key, request = certificate_request()
    made_at_us = time.time_ns() // 1000
    text = f"commonroll/renew/v1\n{joined.agent_id.hex()}\n{made_at_us}\n{sha256(request).hex()}\n"
    enrolment = pb("enrolment", "pb2_grpc").EnrolmentServiceStub(dial(invitation["join"], joined.authority))
    renewed = enrolment.Renew(
        pb("enrolment").RenewRequest(
            agent_id=joined.agent_id,
            certificate_request=request,
            made_at_us=made_at_us,
            signature=signing.sign(text.encode()),
        ),
        timeout=SECONDS_MAX,
    )
    assert renewed.certificate != joined.certificate, "a new certificate"
    return renewed, key


# ---- 2: say who is who ----
def declare(pb, channel, partner):
    """One learner of ours who visits the partner, and one guest whom the partner sends."""
    learner, placement, group = pb("learner"), pb("placement"), pb("group")
    fact = pb("directory").Declaration
    year = {"first_date": "2026-09-01", "last_date": "2027-07-20"}
    request = pb("directory").DeclareRequest(
        declarations=[
            fact(group=group.Group(local_id="CATER-1", course_title="Catering", subject="Catering")),
            fact(
                learner=learner.Learner(
                    local_id="S-1",
                    registration=learner.REGISTRATION_HOME,
                    uln="1000000027",
                    birth_date="2009-11-30",
                    surname="Ogden",
                    forename="Priya",
                )
            ),
            fact(placement=placement.PlacementDeclaration(learner_local_id="S-1", host=partner, **year)),
            fact(
                learner=learner.Learner(
                    local_id="S-G9",
                    registration=learner.REGISTRATION_GUEST,
                    uln="1000000019",
                    birth_date="2009-05-01",
                    surname="Ashby",
                    forename="Imogen",
                )
            ),
            fact(
                acceptance=placement.PlacementAcceptance(
                    learner_local_id="S-G9", home=partner, group_local_id="CATER-1", **year
                )
            ),
        ]
    )
    directory = pb("directory", "pb2_grpc").DirectoryServiceStub(channel)
    accepted = pb("directory").DECLARATION_OUTCOME_ACCEPTED
    for result in directory.Declare(request, timeout=SECONDS_MAX).results:
        assert result.outcome == accepted, f"declaration refused: {result.code} {result.field} {result.reason}"
    again = directory.Declare(request, timeout=SECONDS_MAX).results
    unchanged = pb("directory").DECLARATION_OUTCOME_UNCHANGED
    assert all(result.outcome == unchanged for result in again), "repeating a fact changes nothing"


# ---- 3: seal a record ----
def tree(leaves):
    if len(leaves) == 1:
        return leaves[0]
    half = 1 << (len(leaves) - 1).bit_length() - 1
    return sha256(b"\x01" + tree(leaves[:half]) + tree(leaves[half:]))


def group_leaf(number, salt, content):
    return sha256(b"\x00commonroll/group/v1\x00" + number.to_bytes(4, "big") + b"\x10" + salt + content)


def record_id(source, kind, school_date, local_key):
    days = (date.fromisoformat(school_date) - date(1970, 1, 1)).days
    name = f"commonroll/record-id/v1\n{source}\n{kind}\n{local_key}"
    return days.to_bytes(4, "big", signed=True) + sha256(name.encode())[:12]


def seal(pb, secret, rid, revision, contents):
    """A sealed record of {group number: message}, and its root."""
    groups, leaves = [], []
    for number, message in sorted(contents.items()):
        content = message.SerializeToString()
        known = rid + revision.to_bytes(4, "big") + number.to_bytes(4, "big")
        salt = hmac.new(secret, known, hashlib.sha256).digest()[:16]
        groups.append(pb("record").FieldGroup(number=number, salt=salt, content=content))
        leaves.append(group_leaf(number, salt, content))
    return pb("record").SealedRecord(groups=groups), tree(leaves)


def mark(pb, slug, secret, local_key, physical):
    """A guest's mark from nine to ten (UTC) of the day."""
    attendance = pb("attendance")
    rid, nine = record_id(slug, "attendance", DAY, local_key), 1_789_376_400_000_000
    head = pb("record").RecordHead(
        record_id=rid,
        revision=1,
        kind=pb("record").RECORD_KIND_ATTENDANCE,
        source=slug,
        learner_local_id="S-G9",
        group_local_id="CATER-1",
        school_date=DAY,
        recorded_at_us=nine + 600_000_000,
    )
    presence = attendance.Presence(physical=physical, start_us=nine, end_us=nine + 3_600_000_000)
    code = attendance.SourceCode(code="/", code_set="ENG-2024")
    return seal(pb, secret, rid, 1, {1: head, 2: presence, 3: code})


# ---- 4: sign and publish ----
def key_id(public):
    return sha256(public.public_bytes_raw())[:8]


def batch_text(source, number, size, root):
    return f"commonroll/batch/v1\n{source}\n{number}\n{size}\n{base64.b64encode(root).decode()}\n".encode()


def batch(pb, slug, number, signing, records):
    root = tree([sha256(b"\x00" + root) for _, root in records])
    sealed = pb("record").BatchSeal(
        source=slug,
        number=number,
        size=len(records),
        key_id=key_id(signing.public_key()),
        signature=signing.sign(batch_text(slug, number, len(records), root)),
    )
    return pb("exchange").PublishRequest(seal=sealed, records=[record for record, _ in records])


def publish(pb, channel, slug, signing):
    """Publishes two marks, the second of them broken on purpose, and then the same batch again."""
    exchange, secret = pb("exchange"), secrets.token_bytes(32)
    attendance = pb("attendance")
    records = [
        mark(pb, slug, secret, "reg-1", attendance.PHYSICAL_PRESENT),
        mark(pb, slug, secret, "reg-2", attendance.PHYSICAL_UNSPECIFIED),
    ]
    asked = batch(pb, slug, 1, signing, records)

    def published():
        # The stream stays half open until the answers are in: the generator ends after the batch, and that is allowed.
        answers = pb("exchange", "pb2_grpc").ExchangeServiceStub(channel).Publish(iter([asked]), timeout=SECONDS_MAX)
        greeting = next(answers)
        assert greeting.batch_number == 0
        return greeting.next_batch_number, next(answers)

    first, answer = published()
    assert first == 1 and answer.batch_number == 1 and answer.next_batch_number == 2
    good, bad = answer.results
    assert good.outcome == exchange.RECORD_OUTCOME_ACCEPTED, f"refused: {good.code} {good.field} {good.reason}"
    assert bad.outcome == exchange.RECORD_OUTCOME_REJECTED and bad.code == "invalid_field", bad
    first, again = published()
    assert first == 2, "the number was taken"
    assert again.results[0].outcome == exchange.RECORD_OUTCOME_DUPLICATE
    assert again.results[0].sequence == good.sequence
    return good.sequence, bad.field


# ---- 5: receive and verify ----
def walk(here, index, size, path):
    """The root that an RFC 6962 path leads to, lowest sibling first."""
    if size == 1:
        assert not path, "path too long"
        return here
    half = 1 << (size - 1).bit_length() - 1
    if index < half:
        return sha256(b"\x01" + walk(here, index, half, path[:-1]) + path[-1])
    return sha256(b"\x01" + path[-1] + walk(here, index - half, size - half, path[:-1]))


def record_root(record):
    return tree([g.withheld_hash or group_leaf(g.number, g.salt, g.content) for g in record.groups])


def verify(pb, delivered, keys):
    """Checks a delivered batch as a whole; gives (sequence, record root, head, delivered record) of each record."""
    stamp, roots, found = delivered.seal, set(), []
    for one in delivered.records:
        root = record_root(one.record)
        roots.add(walk(sha256(b"\x00" + root), one.batch_index, stamp.size, list(one.batch_path)))
        head = pb("record").RecordHead.FromString(one.record.groups[0].content)
        assert one.record.groups[0].number == 1 and head.source == stamp.source, "the head is the seal's"
        found.append((one.sequence, root, head, one))
    assert len(roots) == 1, "all records of the batch lead to one root"
    text = batch_text(stamp.source, stamp.number, stamp.size, roots.pop())
    keys[stamp.key_id].verify(stamp.signature, text)  # raises if it does not fit
    return found


def signing_keys(pb, channel, institution):
    directory = pb("directory", "pb2_grpc").DirectoryServiceStub(channel)
    reply = directory.SigningKeys(
        pb("directory").SigningKeysRequest(institution=institution), timeout=SECONDS_MAX
    )
    keys = {key.key_id: ed25519.Ed25519PublicKey.from_public_bytes(key.public_key) for key in reply.keys}
    assert all(key_id(public) == name for name, public in keys.items()), "key ids are the keys' hashes"
    return keys


def refuses_a_changed_batch(pb, delivered, keys):
    """One changed bit, anywhere that counts, and the batch must not be believed."""
    for change in ("content", "path", "signature"):
        broken = type(delivered).FromString(delivered.SerializeToString())
        one = broken.records[0]
        if change == "content":
            one.record.groups[1].content = one.record.groups[1].content[:-1] + b"\x00"
        elif change == "path":
            one.batch_path[0] = bytes([one.batch_path[0][0] ^ 1]) + one.batch_path[0][1:]
        else:
            broken.seal.signature = bytes([broken.seal.signature[0] ^ 1]) + broken.seal.signature[1:]
        try:
            verify(pb, broken, keys)
        except Exception:
            continue
        raise AssertionError(f"a batch with a changed {change} was believed")


def receive(pb, channel, partner):
    """The first page of the feed that holds something, verified; gives the records and the cursor."""
    feed = pb("exchange", "pb2_grpc").ExchangeServiceStub(channel).Receive(
        pb("exchange").ReceiveRequest(after_sequence=0), timeout=SECONDS_MAX
    )
    keys = signing_keys(pb, channel, partner)
    for page in feed:
        if page.batches:
            feed.cancel()
            refuses_a_changed_batch(pb, page.batches[0], keys)
            return [record for delivered in page.batches for record in verify(pb, delivered, keys)], page.cursor
    raise AssertionError("the feed ended without a record")


# ---- 6: acknowledge ----
def acknowledge(pb, channel, slug, signing, records, cursor):
    digest = bytes(32)
    for sequence, root, _, _ in sorted(records, key=lambda record: record[0]):
        digest = sha256(digest + sequence.to_bytes(8, "big") + root)
    text = f"commonroll/receipt/v1\n{slug}\n{cursor}\n{base64.b64encode(digest).decode()}\n"
    reply = pb("exchange", "pb2_grpc").ExchangeServiceStub(channel).Acknowledge(
        pb("exchange").AcknowledgeRequest(
            cursor=cursor,
            digest=digest,
            key_id=key_id(signing.public_key()),
            signature=signing.sign(text.encode()),
        ),
        timeout=SECONDS_MAX,
    )
    assert reply.cursor == cursor
    return cursor


def main():
    proto, invitation_file, partner = sys.argv[1:]
    pb = stubs(pathlib.Path(proto))
    invitation = read_invitation(pathlib.Path(invitation_file))
    signing = ed25519.Ed25519PrivateKey.generate()

    joined, key = join(pb, invitation, signing)
    slug = joined.institution
    channel = dial(invitation["hub"], joined.authority, key, pem(joined.certificate))
    say("joined", institution=slug, agent=joined.agent_id.hex())

    declare(pb, channel, partner)
    say("declared")

    sequence, field = publish(pb, channel, slug, signing)
    say("published", sequence=sequence, broken_field=field)

    records, cursor = receive(pb, channel, partner)
    for number, _, head, delivered in records:
        groups = {group.number: group for group in delivered.record.groups}
        presence = pb("attendance").Presence.FromString(groups[2].content)
        say(
            "received",
            sequence=number,
            source=head.source,
            learner=delivered.recipient_learner_local_id,
            physical=pb("attendance").Physical.Name(presence.physical),
            withheld=[number for number, group in groups.items() if group.withheld_hash],
            of_batch=len(records),
        )

    say("acknowledged", cursor=acknowledge(pb, channel, slug, signing, records, cursor))

    renewed, key = renew(pb, invitation, joined, signing)
    channel = dial(invitation["hub"], renewed.authority, key, pem(renewed.certificate))
    overview = pb("directory", "pb2_grpc").DirectoryServiceStub(channel).Overview(
        pb("directory").OverviewRequest(), timeout=SECONDS_MAX
    )
    say("renewed", placements_in_force=overview.placements_in_force)


if __name__ == "__main__":
    main()
