#!/usr/bin/env python3
"""Writes consortium.toml and mappings/edfi-people.toml from the ids in the real files beside it. Standard library only.

Everything here that is not in the files is made: which home a learner belongs to (the parity of the number in the
host's id), the home's id for the learner (a digest of home, host and id), the homes, the agreements, and that every
learner who has a record was placed for exactly the dates of the host's records. No names are made up.

`make_consortium.py --check` changes nothing and fails if what it would write is not what is there. It works only on
files that are byte for byte what SHA256SUMS says.
"""

import csv
import datetime
import hashlib
import pathlib
import re
import sys
import xml.etree.ElementTree as ET
import zipfile

HERE = pathlib.Path(__file__).resolve().parent
EDFI = "{http://ed-fi.org/5.2.0}"
# The school date that is shown as being replayed: the one with the most late marks.
DATE = "2022-05-25"

# slug: (name, type, time zone)
HOMES = {
    "alder": ("Alder School (made)", "school", "Europe/London"),
    "beech": ("Beech School (made)", "academy", "Europe/London"),
    "cedar": ("Cedar College (made)", "fe_college", "Europe/London"),
    "damson": ("Damson College (made)", "sixth_form", "Europe/London"),
}
# slug: (name, type, time zone, homes of even and odd ids)
HOSTS = {
    "grand-bend": ("Grand Bend ISD (Ed-Fi sample)", "school", "America/Chicago", ("alder", "beech")),
    "north-school": ("North School (OneRoster sample)", "school", "America/New_York", ("alder", "beech")),
    "gabriel-pereira": ("Gabriel Pereira (UCI Student Performance)", "school", "Europe/Lisbon", ("alder", "beech")),
    "mousinho-da-silveira": ("Mousinho da Silveira (UCI Student Performance)", "school", "Europe/Lisbon", ("alder", "beech")),
    "open-university": ("Open University, module AAA (OULAD)", "fe_college", "Europe/London", ("cedar", "damson")),
}
GROUPS = {
    "attendance": ["presence", "source_code"],
    "assessment": ["result", "comment"],
    "behaviour": ["event", "involvement", "share_safe_text"],
}
# institution: (source, pattern, connector, mapping)
SOURCES = {
    "grand-bend": [
        ("people", "Student.xml", "edfi", "edfi-people.toml"),
        ("marks", "StudentSectionAttendance-*.xml", "edfi", "edfi-marks.toml"),
        ("incidents", "StudentDiscipline.xml", "edfi", "edfi-incidents.toml"),
        ("sat", "StudentAssessment-*.xml", "edfi", "edfi-sat.toml"),
    ],
    "north-school": [("package", "*.zip", "oneroster", "oneroster.toml")],
    "gabriel-pereira": [("grades", "student-*.csv", "delimited", "uci-gp.toml")],
    "mousinho-da-silveira": [("grades", "student-*.csv", "delimited", "uci-ms.toml")],
    "open-university": [("scores", "studentAssessment-*.csv", "delimited", "oulad.toml")],
}


def as_published():
    """Stops if a file of a host is changed, missing or unknown."""
    sums = dict(reversed(line.split("  ", 1)) for line in (HERE / "SHA256SUMS").read_text().splitlines())
    found = {f"{host}/{path.name}": path for host in HOSTS for path in (HERE / host).iterdir()}
    if odd := sums.keys() ^ found.keys():
        sys.exit(f"not both here and in SHA256SUMS: {', '.join(sorted(odd))}")
    for name, path in found.items():
        if hashlib.sha256(path.read_bytes()).hexdigest() != sums[name]:
            sys.exit(f"{name} is not the published file any more; get it again")


def first(element, name):
    return element.findtext(f".//{EDFI}{name}")


def edfi():
    """Student ids and dates of every mark, incident and sitting."""
    found = []
    folder = HERE / "grand-bend"
    for event in ET.parse(folder / "StudentSectionAttendance-Tardy.xml").getroot():
        found.append((first(event, "StudentUniqueId"), first(event, "EventDate")))
    root = ET.parse(folder / "StudentDiscipline.xml").getroot()
    dates = {i.get("id"): first(i, "IncidentDate") for i in root.iter(f"{EDFI}DisciplineIncident")}
    for part in root.iter(f"{EDFI}StudentDisciplineIncidentBehaviorAssociation"):
        incident = part.find(f"{EDFI}DisciplineIncidentReference")
        # Within a DisciplineAction the same element name is a reference and has no incident of its own.
        if incident is not None:
            found.append((first(part, "StudentUniqueId"), dates[incident.get("ref")]))
    for sitting in ET.parse(folder / "StudentAssessment-SAT.xml").getroot():
        found.append((first(sitting, "StudentUniqueId"), first(sitting, "AdministrationDate")[:10]))
    return found


def oneroster():
    with zipfile.ZipFile(HERE / "north-school" / "valid-full-bulk.zip") as package:
        rows = csv.DictReader(package.read("results.csv").decode().splitlines())
        return [(row["studentSourcedId"], row["scoreDate"]) for row in rows]


def uci(folder, school):
    with open(HERE / folder / "student-mat.csv", newline="") as file:
        rows = enumerate(csv.DictReader(file, delimiter=";"), 1)
        return [(f"mat-{number}", "2006-06-30") for number, row in rows if row["school"] == school]


def oulad():
    with open(HERE / "open-university" / "assessments.csv", newline="") as file:
        years = {row["id_assessment"]: int(row["code_presentation"][:4]) for row in csv.DictReader(file)}
    with open(HERE / "open-university" / "studentAssessment-AAA.csv", newline="") as file:
        found = []
        for row in csv.DictReader(file):
            start = datetime.date(years[row["id_assessment"]], 10, 1)
            date = start + datetime.timedelta(days=int(row["date_submitted"]))
            found.append((row["id_student"], date.isoformat()))
        return found


def home_id(home, host, learner):
    digest = hashlib.sha256(f"{home}/{host}/{learner}".encode()).hexdigest()
    return f"{home[0]}-{digest[:10]}"


def ordered(learners):
    return sorted(learners, key=lambda id: (int(re.search(r"\d+$", id).group()), id))


def consortium(records):
    out = [
        "# Made by make_consortium.py from the ids in the files beside it; change the script, not this file.",
        "# Made up are the homes, who belongs to which, agreements and placements. The partners' files are as published, byte for byte.",
        "",
        "[replay]",
        'title = "Real files: Ed-Fi, OneRoster, UCI Student Performance, OULAD"',
        f'date = "{DATE}"',
        'expected = "expected.json"',
    ]
    for slug, (name, kind, zone, *_) in (HOMES | HOSTS).items():
        out += ["", "[[institution]]", f'slug = "{slug}"', f'name = "{name}"', f'type = "{kind}"', f'time_zone = "{zone}"']
    for host, sources in SOURCES.items():
        out += ["", "[[partner]]", f'institution = "{host}"']
        for name, pattern, connector, mapping in sources:
            out += [
                "[[partner.source]]",
                f'name = "{name}"',
                f'folder = "{host}"',
                f'pattern = "{pattern}"',
                f'connector = "{connector}"',
                f'mapping = "mappings/{mapping}"',
            ]
    for host, (*_, homes) in HOSTS.items():
        parties = ", ".join(f'"{slug}"' for slug in (host, *homes))
        out += [
            "",
            "[[agreement]]",
            f'id = "{host}"',
            "version = 1",
            f"parties = [{parties}]",
            'purpose = "Show that real files arrive at the right homes"',
            'first_date = "2006-01-01"',
            'last_date = "2099-12-31"',
            "[agreement.kinds]",
        ]
        out += [f"{kind} = [{', '.join(chr(34) + g + chr(34) for g in groups)}]" for kind, groups in GROUPS.items()]
    seen = set()
    for host, (*_, homes) in HOSTS.items():
        dates = sorted(date for _, date in records[host])
        learners = ordered({learner for learner, _ in records[host]})
        for parity, home in enumerate(homes):
            guests = [id for id in learners if int(re.search(r"\d+$", id).group()) % 2 == parity]
            if not guests:
                continue
            out += [
                "",
                "[[placement]]",
                f'home = "{home}"',
                f'host = "{host}"',
                f'first_date = "{dates[0]}"',
                f'last_date = "{dates[-1]}"',
                "learners = [",
            ]
            for guest in guests:
                here = home_id(home, host, guest)
                assert here not in seen, "two learners of one home got the same id; use a longer digest"
                seen.add(here)
                out.append(f'  ["{here}", "{guest}"],')
            out.append("]")
    return "\n".join(out) + "\n"


def people(records):
    ids = ",\n".join(f'  "{id}"' for id in ordered({learner for learner, _ in records["grand-bend"]}))
    return (
        "# Made by make_consortium.py. Of the district's 960 students only those who are guests here and have a record.\n"
        f'format = "edfi"\nregistration = "guest"\nlearners = [\n{ids},\n]\n'
    )


def main():
    as_published()
    records = {
        "grand-bend": edfi(),
        "north-school": oneroster(),
        "gabriel-pereira": uci("gabriel-pereira", "GP"),
        "mousinho-da-silveira": uci("mousinho-da-silveira", "MS"),
        "open-university": oulad(),
    }
    files = {
        HERE / "consortium.toml": consortium(records),
        HERE / "mappings" / "edfi-people.toml": people(records),
    }
    if sys.argv[1:] == ["--check"]:
        stale = [path.name for path, text in files.items() if path.read_bytes() != text.encode()]
        sys.exit(f"run make_consortium.py again: {', '.join(stale)}" if stale else 0)
    for path, text in files.items():
        path.write_bytes(text.encode())


main()
