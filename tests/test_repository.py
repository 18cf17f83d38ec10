"""What must not be in the repository: machines, registries, leftovers, secrets; and what its own lists promise."""

import re
import subprocess
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
ITSELF = "tests/test_repository.py"
LARGEST_BYTES = 1_000_000
PACKAGES = ("requirements.txt", "requirements-dev.txt", "requirements-sqs.txt")

FORBIDDEN = {
    "a path of somebody's machine": r"(?<![\w.])/(Users|root|work|workspace|private)/\w|/home/(?!tieout\b)\w|[A-Z]:\\\\?Users",
    "the address of a package registry": r"index-url[ =]\S*:|find-links|pypi\.org/simple|//[^/\s]*(artifactory|nexus|registry)\.",
    "a mark that a merge left": r"^(<{7}|>{7}|={7})( |$)",
    "work put off": r"\b(TODO|FIXME|XXX|HACK)\b",
    "a debugger": r"\bbreakpoint\(\)|\bpdb\.set_trace|\bconsole\.log\(|^\s*debugger;",
    "a silence without a name": r"# (noqa|type: ignore)\s*$",
    "a private key": r"BEGIN [A-Z ]*PRIVATE KEY",
    "a key of a cloud": r"\bAKIA[0-9A-Z]{16}\b",
    "a word about who wrote it": r"(?i)\b(co-authored-by|generated (by|with)(?! Django)|language model|copilot|as an ai)\b",
    "the number of a ticket": r"(?i)\b(issue|ticket|pull request|bug) ?#\d",
}


def tracked():
    listed = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, text=True, check=False)
    if listed.returncode:
        pytest.skip("this copy has no git")
    return [ROOT / name for name in listed.stdout.split("\0") if name and (ROOT / name).is_file()]


def texts():
    for path in tracked():
        name = str(path.relative_to(ROOT))
        content = path.read_bytes()
        if name != ITSELF and b"\0" not in content[:8000]:
            yield name, content.decode("utf-8")


@pytest.mark.parametrize("what", FORBIDDEN)
def test_the_repository_holds_no(what):
    pattern = re.compile(FORBIDDEN[what])

    found = [
        f"{name}:{number}: {line.strip()[:120]}"
        for name, text in texts()
        if not (name in PACKAGES or "/vendor/" in name)
        for number, line in enumerate(text.splitlines(), 1)
        if pattern.search(line)
    ]

    assert not found


def test_requirements_name_packages_and_hashes_and_no_registry():
    for name in PACKAGES:
        text = (ROOT / name).read_text()
        assert "://" not in text
        assert not re.search(r"^--?(i|index|extra|find|trusted)", text, re.MULTILINE)
        packages = re.findall(r"^[a-z0-9._-]+(?:\[[a-z,]+\])?==", text, re.MULTILINE)
        assert len(packages) > 40
        assert text.count("--hash=sha256:") >= len(packages)


def test_nothing_is_too_large_to_read():
    assert [path.name for path in tracked() if path.stat().st_size > LARGEST_BYTES] == []


def test_no_file_that_holds_secrets_or_results_is_kept():
    names = {str(path.relative_to(ROOT)) for path in tracked()}

    assert not {name for name in names if re.search(r"(^|/)(\.env|var/|\.venv/|.*\.sqlite3|.*\.pem|.*\.pyc)$", name)}


def contract(name):
    settings = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["importlinter"]
    return next(each for each in settings["contracts"] if each["name"].startswith(name))


def test_every_reader_of_amazons_files_is_held_to_purity():
    readers = {f"amazon.{path.stem}" for path in (ROOT / "amazon").glob("flat_*.py")}

    assert readers
    assert readers <= set(contract("pure code")["source_modules"])


def test_every_folder_with_code_is_held_to_the_layers():
    settings = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["importlinter"]
    packages = {path.parent.name for path in ROOT.glob("*/__init__.py")}

    assert packages - {"benchmarks"} == set(settings["root_packages"])


STAND_INS = [ROOT / "sandbox", ROOT / "amazon/sandbox", *ROOT.glob("ledgers/*/sandbox")]


@pytest.mark.parametrize("package", sorted(".".join(place.relative_to(ROOT).parts) for place in STAND_INS))
def test_a_stand_in_imports_the_tool_box_and_itself_alone(package):
    place = ROOT.joinpath(*package.split("."))
    ours = {path.parent.name for path in ROOT.glob("*/__init__.py")} - {"sandbox"}

    for path in place.rglob("*.py"):
        for module in re.findall(r"^\s*(?:from|import) ([\w.]+)", path.read_text(), re.MULTILINE):
            assert module.partition(".")[0] not in ours or module.startswith(package), f"{path}: {module}"
