#!/usr/bin/env python3
"""Holds documents against what SPDX 2.3 requires, and their versions against what is installed:
check_sbom.py FILE..."""

from __future__ import annotations

import json
import pathlib
import re
import subprocess
import sys
from typing import Any

# Annex of SPDX 2.3: the required members of a document, of a package and of a relationship.
DOCUMENT = {
    "spdxVersion", "dataLicense", "SPDXID", "name", "documentNamespace", "creationInfo",
}  # fmt: skip
PACKAGE = {"SPDXID", "name", "downloadLocation"}
RELATIONSHIP = {"spdxElementId", "relationshipType", "relatedSpdxElement"}
IDENTIFIER = re.compile(r"SPDXRef-[A-Za-z0-9.-]+")


def fail(text: str) -> None:
    raise SystemExit(f"SBOM: {text}")


def check_members(thing: dict[str, Any], required: set[str], what: str) -> None:
    missing = required - thing.keys()
    if missing:
        fail(f"{what} lacks {', '.join(sorted(missing))}.")


def check_package(package: dict[str, Any], is_own: bool) -> None:
    name = package["name"]
    if not package.get("versionInfo"):
        fail(f"{name} has no version.")
    if package["filesAnalyzed"] is not False:
        fail(f"{name} has no files here, so that none were analysed.")
    if is_own:
        return
    installed = subprocess.run(
        ["dpkg-query", "--show", "--showformat=${Version}", name],
        capture_output=True, text=True, check=True,
    ).stdout  # fmt: skip
    if installed != package["versionInfo"]:
        fail(f"{name} is {installed} here, and {package['versionInfo']} in the document.")
    for reference in package["externalRefs"]:
        check_members(
            reference, {"referenceCategory", "referenceType", "referenceLocator"}, name
        )
        if not reference["referenceLocator"].startswith(f"pkg:deb/debian/{name}@"):
            fail(f"{name} has the package URL of another one.")


def check_document(document: dict[str, Any], file: str) -> None:
    check_members(document, DOCUMENT, file)
    check_members(document["creationInfo"], {"created", "creators"}, file)
    if (document["spdxVersion"], document["dataLicense"]) != ("SPDX-2.3", "CC0-1.0"):
        fail(f"{file} is not of SPDX 2.3.")
    if document["SPDXID"] != "SPDXRef-DOCUMENT":
        fail(f"{file} is called {document['SPDXID']}.")
    if not re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", document["creationInfo"]["created"]):
        fail(f"{file} was created at no time.")
    if not re.fullmatch(r"[a-z]+:[^#\s]+", document["documentNamespace"]):
        fail(f"{file} has no namespace.")
    known = {"SPDXRef-DOCUMENT"}
    for number, package in enumerate(document["packages"]):
        check_members(package, PACKAGE, f"package {number} of {file}")
        if not IDENTIFIER.fullmatch(package["SPDXID"]) or package["SPDXID"] in known:
            fail(f"{package['SPDXID']} in {file} is no identifier, or not the only such one.")
        known.add(package["SPDXID"])
        check_package(package, is_own=number == 0)
    related = set()
    for relationship in document["relationships"]:
        check_members(relationship, RELATIONSHIP, file)
        for end in (relationship["spdxElementId"], relationship["relatedSpdxElement"]):
            if end not in known:
                fail(f"{file} relates {end}, which it does not have.")
            related.add(end)
    if related != known:
        fail(f"{file} relates {', '.join(sorted(known - related))} to nothing.")


def main() -> None:
    if len(sys.argv) < 2:
        fail("there is none.")
    for file in sys.argv[1:]:
        check_document(json.loads(pathlib.Path(file).read_text()), file)
    print(f"{len(sys.argv) - 1} SBOMs are as SPDX 2.3 wants them")


if __name__ == "__main__":
    main()
