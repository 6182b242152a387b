"""Prints what a real parser of Terraform's language finds in a folder: one line a block, with what it refers to."""

import sys

import tfparse

found = tfparse.load_from_path(sys.argv[1])
blocks = {block["id"]: block["__tfmeta"]["path"] for kind in found.values() for block in kind}

lines = []
for kind, entries in found.items():
    for entry in entries:
        meta = entry["__tfmeta"]
        linked = sorted(blocks[reference["id"]] for reference in meta.get("references", []))
        if kind != "terraform":
            lines.append(": ".join([meta["path"], *([", ".join(linked)] if linked else [])]))
print("\n".join(sorted(lines)))
