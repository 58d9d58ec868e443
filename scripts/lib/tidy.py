"""tidy.py CLANG_TIDY COMPILE_COMMANDS_DIRECTORY JOBS FOLDER...: clang-tidy over the sources in these folders.

A source whose preprocessed text, command and configuration have passed before is not looked at again; the stamps lie in
the build directory. Preprocessing keeps comments, because NOLINT is one.
"""

import concurrent.futures
import hashlib
import json
import pathlib
import shlex
import subprocess
import sys
import time

CLANG = "clang++-19"


def preprocessed(entry):
    """The source as the compiler sees it, or None if it does not compile."""
    command = shlex.split(entry["command"])
    start = next(i for i, word in enumerate(command) if word.startswith("-"))
    # what a launcher or an output adds says nothing about the source
    words = iter(command[start:])
    kept = []
    for word in words:
        if word in ("-o", "-c", "-MT", "-MF"):
            if word != "-c":
                next(words)
        elif word != "-MD":
            kept.append(word)
    run = subprocess.run([CLANG, *kept, "-E", "-C"], cwd=entry["directory"], capture_output=True)
    return b" ".join(word.encode() for word in kept) + run.stdout if run.returncode == 0 else None


def check(tidy, entry, build, stamps, salt):
    """Returns (name, seconds, output or None if there is nothing to say)."""
    started = time.monotonic()
    name = entry["file"]
    text = preprocessed(entry)
    stamp = stamps / hashlib.sha256(salt + text).hexdigest() if text is not None else None
    if stamp is not None and stamp.exists():
        stamp.touch()
        return name, None, None
    run = subprocess.run([tidy, "--quiet", "-p", build, name], capture_output=True, text=True)
    if run.returncode == 0:
        if stamp is not None:
            stamp.touch()
        return name, time.monotonic() - started, None
    return name, time.monotonic() - started, run.stdout.strip() or run.stderr.strip()


def main():
    tidy, build, jobs = sys.argv[1], sys.argv[2], int(sys.argv[3])
    folders = [str(pathlib.Path(f).resolve()) + "/" for f in sys.argv[4:]]
    stamps = pathlib.Path(build) / "tidy"
    stamps.mkdir(exist_ok=True)
    for old in stamps.iterdir():
        if time.time() - old.stat().st_mtime > 30 * 86400:
            old.unlink()
    salt = pathlib.Path(".clang-tidy").read_bytes() + subprocess.run([tidy, "--version"], capture_output=True).stdout
    entries = json.loads((pathlib.Path(build) / "compile_commands.json").read_text())
    entries = {e["file"]: e for e in entries if e["file"].startswith(tuple(folders))}.values()
    if not entries:
        sys.exit("tidy: no sources in the compile commands of " + build)

    failed = checked = 0
    with concurrent.futures.ThreadPoolExecutor(jobs) as pool:
        runs = [pool.submit(check, tidy, entry, build, stamps, salt) for entry in entries]
        for run in concurrent.futures.as_completed(runs):
            name, seconds, output = run.result()
            checked += seconds is not None
            if output:
                failed += 1
                print(f"{output}\n", flush=True)
    print(f"clang-tidy: {len(runs)} sources, {checked} looked at, {len(runs) - checked} unchanged, {failed} with findings")
    sys.exit(failed > 0)


main()
