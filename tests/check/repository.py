"""A git repository with a spec, made in a test's folder."""

import subprocess
from pathlib import Path

# 3×3 from 3 to 8 channels and 1×1 from 8 to 16, 8·8 positions, no norm: 216 + 8 and 128 + 16 parameters, 13,824 and
# 8,192 MACs
SPEC = """\
archprof: 1
name: tiny
input: 3x8x8
layers:
  - conv: {k: 3, c: 8}
  - conv: {k: 1, c: 16}
  - avg_pool
"""
PARAMS = 3 * 3 * 3 * 8 + 8 + 8 * 16 + 16
MACS = 8 * 8 * (3 * 3 * 3 * 8 + 8 * 16)
# what a channel more of the first convolution adds
MORE_PARAMS = 3 * 3 * 3 + 1 + 16
MORE_MACS = 8 * 8 * (3 * 3 * 3 + 16)


def git(folder: Path, *arguments: str) -> str:
    """Return what git prints, asking no user's settings."""
    settings = [
        "-c",
        "user.name=a",
        "-c",
        "user.email=a@b",
        "-c",
        "commit.gpgsign=false",
        "-c",
        "init.defaultBranch=main",
    ]
    return subprocess.run(["git", *settings, *arguments], cwd=folder, check=True, capture_output=True, text=True).stdout


def commit(folder: Path) -> None:
    """Commit all that a folder holds, in a new repository if there is none."""
    if not (folder / ".git").exists():
        git(folder, "init", "--quiet")
    git(folder, "add", "--all")
    git(folder, "commit", "--quiet", "--message", "state")


def heavier(spec: str, by: int = 1) -> str:
    """Return the spec with so many channels more in its first convolution."""
    return spec.replace("c: 8}", f"c: {8 + by}}}")
