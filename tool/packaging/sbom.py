#!/usr/bin/env python3
"""Writes what a package is made of as SPDX 2.3: sbom.py PACKAGE VERSION DATE BINARY OUTPUT LOADED...

The parts are the libraries that BINARY is linked with, and the packages LOADED, whose libraries it
loads; names and versions are those of the packages that have them on this machine.
"""

from __future__ import annotations

import hashlib
import json
import pathlib
import re
import subprocess
import sys
import uuid
from typing import Any


def run(*words: str) -> str:
    return subprocess.run(words, capture_output=True, text=True, check=True).stdout


def needed(binary: str) -> list[str]:
    """The packages of the libraries that the binary asks for."""
    found = set()
    for soname in re.findall(r"\(NEEDED\).*\[(.*)\]", run("readelf", "--dynamic", "--wide", binary)):
        path = run("gcc", f"-print-file-name={soname}").strip()
        # A library may be on record by the path that it had before /lib became a link.
        real = pathlib.Path(path).resolve()
        places = [str(real), str(real).removeprefix("/usr")]
        owner = subprocess.run(
            ["dpkg-query", "--search", *places], capture_output=True, text=True, check=False
        ).stdout
        if not owner:
            raise SystemExit(f"{binary} needs {soname}, {path}, which is of no package.")
        found.add(owner.split(":")[0])
    return sorted(found)


def describe(package: str) -> dict[str, Any]:
    fields = "${Version}\n${Architecture}\n${source:Package}\n${Homepage}\n"
    version, architecture, source, homepage = run(
        "dpkg-query", "--show", f"--showformat={fields}", package
    ).split("\n")[:4]
    purl = f"pkg:deb/debian/{package}@{version.replace('+', '%2B')}?arch={architecture}"
    return {
        "SPDXID": f"SPDXRef-{re.sub(r'[^A-Za-z0-9.-]', '-', package)}",
        "name": package,
        "versionInfo": version,
        "sourceInfo": f"Debian source package {source}",
        **({"homepage": homepage} if homepage else {}),
        "downloadLocation": "NOASSERTION",
        "filesAnalyzed": False,
        "licenseConcluded": "NOASSERTION",
        "licenseDeclared": "NOASSERTION",
        "copyrightText": "NOASSERTION",
        "externalRefs": [
            {
                "referenceCategory": "PACKAGE-MANAGER",
                "referenceType": "purl",
                "referenceLocator": purl,
            }
        ],
    }


def relate(one: str, kind: str, other: str) -> dict[str, str]:
    return {"spdxElementId": one, "relationshipType": kind, "relatedSpdxElement": other}


def main() -> None:
    name, version, date, binary, output, *loaded = sys.argv[1:]
    linked = needed(binary)
    own = {
        "SPDXID": "SPDXRef-Package",
        "name": name,
        "versionInfo": version,
        "downloadLocation": "NOASSERTION",
        "filesAnalyzed": False,
        "licenseConcluded": "Apache-2.0",
        "licenseDeclared": "Apache-2.0",
        "copyrightText": "2026 The hsmiam authors",
        "primaryPackagePurpose": "APPLICATION" if name == "hsmiam" else "LIBRARY",
    }
    parts = [describe(package) for package in dict.fromkeys([*linked, *loaded])]
    kinds = ["DYNAMIC_LINK" if part["name"] in linked else "DEPENDS_ON" for part in parts]
    document = {
        "spdxVersion": "SPDX-2.3",
        "dataLicense": "CC0-1.0",
        "SPDXID": "SPDXRef-DOCUMENT",
        "name": f"{name}-{version}",
        "creationInfo": {"created": f"{date}T00:00:00Z", "creators": ["Tool: hsmiam-sbom"]},
        "packages": [own, *parts],
        "relationships": [
            relate("SPDXRef-DOCUMENT", "DESCRIBES", own["SPDXID"]),
            *(relate(own["SPDXID"], kind, part["SPDXID"]) for kind, part in zip(kinds, parts)),
        ],
    }
    # The same parts make the same document, under a name that no other one has.
    digest = hashlib.sha256(json.dumps(document, sort_keys=True).encode()).hexdigest()
    namespace = uuid.uuid5(uuid.NAMESPACE_OID, digest)
    document["documentNamespace"] = f"urn:uuid:{namespace}"
    pathlib.Path(output).write_text(json.dumps(document, indent=1) + "\n")


if __name__ == "__main__":
    main()
