#!/usr/bin/env python3
"""What must arrive from these files, found out without Commonroll's code. Standard library only (Python 3.11).

    expected.py                  counts by home, source and kind as JSON; expected.json holds this answer
    expected.py --check          fails if expected.json says something else
    expected.py --outboxes DIR   holds every row of DIR/**/<home>/**/*.csv against the files: each expected row there
                                 once, and nothing else

It believes consortium.toml about who is whose guest, and when. How records stand in the files it knows by itself.
"""

import collections
import csv
import datetime
import json
import pathlib
import re
import sys
import xml.etree.ElementTree as ET
import zipfile
import zoneinfo

try:
    import tomllib
except ImportError:
    sys.exit("expected.py needs Python 3.11 or newer")

HERE = pathlib.Path(__file__).resolve().parent
EDFI = "{http://ed-fi.org/5.2.0}"
# What a home's MIS is given to see: host, learner, kind, date, and what was said.
Row = collections.namedtuple("Row", "host learner kind date said")


def text(element, *path):
    for name in path:
        element = element.find(EDFI + name) if element is not None else None
    return "" if element is None or element.text is None else element.text.strip()


def student(element):
    return text(element, "StudentReference", "StudentIdentity", "StudentUniqueId")


def hyphened(name):
    return re.sub("[^a-z0-9]+", "-", name.lower()).strip("-")


def word(uri):
    return uri.split("#")[-1]


def marks():
    for event in ET.parse(HERE / "grand-bend/StudentSectionAttendance-Tardy.xml").getroot():
        section = text(event, "SectionReference", "SectionIdentity", "SectionIdentifier")
        date = text(event, "AttendanceEvent", "EventDate")
        assert word(text(event, "AttendanceEvent", "AttendanceEventCategory")) == "Tardy"
        # Late, in that section; no start, no end, no minutes: the file has no period and no agreed duration.
        yield Row("grand-bend", student(event), "attendance", date, ("", "", section, "L", ""))


def incidents():
    chicago, london = zoneinfo.ZoneInfo("America/Chicago"), zoneinfo.ZoneInfo("Europe/London")
    root = ET.parse(HERE / "grand-bend/StudentDiscipline.xml").getroot()
    by_ref = {element.get("id"): element for element in root.findall(EDFI + "DisciplineIncident")}
    for part in root.findall(EDFI + "StudentDisciplineIncidentBehaviorAssociation"):
        incident = by_ref[part.find(EDFI + "DisciplineIncidentReference").get("ref")]
        date = text(incident, "IncidentDate")
        at = datetime.datetime.fromisoformat(f"{date}T{text(incident, 'IncidentTime')}").replace(tzinfo=chicago)
        said = (
            # A home reads the time on its own clock.
            at.astimezone(london).strftime("%H:%M"),
            "negative",
            word(text(part, "Behavior")),
            word(text(incident, "IncidentLocation")),
            word(text(part, "DisciplineIncidentParticipationCode")).lower(),
        )
        yield Row("grand-bend", student(part), "behaviour", date, said)


def sittings():
    for sitting in ET.parse(HERE / "grand-bend/StudentAssessment-SAT.xml").getroot():
        date = text(sitting, "AdministrationDate")[:10]
        title = text(sitting, "AssessmentReference", "AssessmentIdentity", "AssessmentIdentifier")
        given = [
            (word(text(score, "AssessmentReportingMethod")), text(score, "Result"))
            for score in sitting.findall(EDFI + "ScoreResult")
        ]
        given += [
            (text(level, "PerformanceLevelIndicatorName"), word(text(level, "PerformanceLevel")))
            for level in sitting.findall(EDFI + "PerformanceLevel")
        ]
        for method, grade in given:
            scale = f"{hyphened(title)}/{hyphened(method)} 1"
            said = (title, text(sitting, "SchoolYear"), "final", scale, grade)
            yield Row("grand-bend", student(sitting), "assessment", date, said)


def package():
    with zipfile.ZipFile(HERE / "north-school/valid-full-bulk.zip") as files:
        table = lambda name: csv.DictReader(files.read(name).decode("utf-8-sig").splitlines())
        items = {item["sourcedId"]: item for item in table("lineItems.csv")}
        terms = {term["sourcedId"]: term["title"] for term in table("academicSessions.csv")}
        scales = {link["resultSourcedId"]: link["scoreScaleSourcedId"] for link in table("resultScoreScales.csv")}
        for result in table("results.csv"):
            item = items[result["lineItemSourcedId"]]
            # A letter on the scale that the package links it to.
            scale = f"north-school/{scales[result['sourcedId']]} 1"
            term = terms[item["academicSessionSourcedId"]]
            said = (item["title"], term, "assignment", scale, result["textScore"])
            yield Row("north-school", result["studentSourcedId"], "assessment", result["scoreDate"], said)


def pupils():
    schools = {"GP": "gabriel-pereira", "MS": "mousinho-da-silveira"}
    columns = {"G1": ("First period", "working_at"), "G2": ("Second period", "working_at"), "G3": ("Final grade", "final")}
    for school, folder in schools.items():
        with open(HERE / folder / "student-mat.csv", newline="", encoding="utf-8") as file:
            for number, row in enumerate(csv.DictReader(file, delimiter=";"), 1):
                for column, (title, kind) in columns.items():
                    if row["school"] == school:
                        yield Row(folder, f"mat-{number}", "assessment", "2006-06-30", (title, "", kind, "raw-0-20 1", row[column]))


def scores():
    with open(HERE / "open-university/assessments.csv", newline="", encoding="utf-8") as file:
        assessments = {row["id_assessment"]: row for row in csv.DictReader(file)}
    starts = {"2013J": datetime.date(2013, 10, 1), "2014J": datetime.date(2014, 10, 1)}
    with open(HERE / "open-university/studentAssessment-AAA.csv", newline="", encoding="utf-8") as file:
        for row in csv.DictReader(file):
            about = assessments[row["id_assessment"]]
            date = starts[about["code_presentation"]] + datetime.timedelta(days=int(row["date_submitted"]))
            title = f"{about['assessment_type']} {row['id_assessment']}"
            said = (title, about["code_presentation"], "assignment", "raw-0-100 1", row["score"] or "not assessed")
            yield Row("open-university", row["id_student"], "assessment", date.isoformat(), said)


def expected():
    """(home, row as the home sees it) of every record whose learner was placed on its date."""
    with open(HERE / "consortium.toml", "rb") as file:
        consortium = tomllib.load(file)
    placed = collections.defaultdict(list)
    for placement in consortium["placement"]:
        for here, there in placement["learners"]:
            dates = (placement["first_date"], placement["last_date"])
            placed[placement["host"], there].append((placement["home"], here, dates))
    for source in (marks, incidents, sittings, package, pupils, scores):
        for row in source():
            homes = [(home, here) for home, here, (first, last) in placed[row.host, row.learner] if first <= row.date <= last]
            assert len(homes) <= 1, "a learner has one home"
            for home, here in homes:
                yield home, row._replace(learner=here)


def counts():
    records, learners = collections.Counter(), collections.defaultdict(set)
    for home, row in expected():
        records[home, row.host, row.kind] += 1
        learners[home, row.host, row.kind].add(row.learner)
    arrives = [
        {"home": home, "source": source, "kind": kind, "records": number, "learners": len(learners[home, source, kind])}
        for (home, source, kind), number in sorted(records.items())
    ]
    totals = collections.Counter()
    for line in arrives:
        totals[line["kind"]] += line["records"]
    return json.dumps({"arrives": arrives, "totals": dict(sorted(totals.items()))}, indent=1) + "\n"


def said(kind, row):
    columns = {
        "attendance": ("StartTime", "EndTime", "GroupCode", "Mark", "MinsLate"),
        "behaviour": ("Time", "Polarity", "Label", "Location", "Role"),
        "assessment": ("Aspect", "ResultSet", "Kind", "Scale", "Grade"),
    }
    return tuple(row[column] for column in columns[kind])


def outboxes(folder):
    homes = {home for home, _ in expected()}
    arrived, ids = collections.Counter(), set()
    for path in sorted(folder.rglob("*.csv")):
        kind = path.name.split("-")[0]
        home = next((part for part in path.relative_to(folder).parts[:-1] if part in homes), None)
        if home is None or "outbox" not in path.relative_to(folder).parts or path.name.endswith(".result.csv"):
            continue
        with open(path, newline="", encoding="utf-8-sig") as file:
            for row in csv.DictReader(file):
                assert row["Withdrawn"] == "", f"{path.name}: a record was taken back"
                if row["RecordID"] in ids:
                    sys.exit(f"{path.name}: a record arrived twice")
                ids.add(row["RecordID"])
                arrived[home, Row(row["Source"], row["PersonID"], kind, row["Date"], said(kind, row))] += 1
    wanted = collections.Counter(expected())
    missing, extra = wanted - arrived, arrived - wanted
    for name, rows in (("missing", missing), ("not expected", extra)):
        for (home, row), number in sorted(rows.items())[:5]:
            print(f"{name}: {number} x {home} <- {row.host} {row.kind} {row.date} {row.said}", file=sys.stderr)
    if missing or extra:
        sys.exit(f"{missing.total()} rows are missing, {extra.total()} were not expected")
    print(f"{arrived.total()} rows arrived, each where it belongs and once")


def main():
    match sys.argv[1:]:
        case []:
            sys.stdout.write(counts())
        case ["--check"]:
            if (HERE / "expected.json").read_text() != counts():
                sys.exit("expected.json is not what the files say: expected.py > expected.json")
        case ["--outboxes", folder]:
            outboxes(pathlib.Path(folder))
        case _:
            sys.exit(__doc__)


main()
