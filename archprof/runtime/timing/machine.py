"""What identifies a run: hardware, driver, versions of what ran, clocks as they were found, the date."""

import platform
from collections.abc import Mapping
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path

# What must be as it was where measurements are put together: others may differ.
IDENTITY = ("hardware", "driver", "torch", "onnxruntime", "cuda", "cudnn")


def described_machine(on: str, runtime: str, threads: int) -> dict[str, str]:
    """Return what identifies a run *on* a device, by name."""
    import torch

    found = _gpu() if on == "cuda" else _cpu(threads)
    versions = {"torch": str(torch.__version__)}
    if runtime == "onnxruntime":
        import onnxruntime

        versions["onnxruntime"] = onnxruntime.__version__
    today = datetime.now(UTC).strftime("%Y-%m-%d %H:%M UTC")
    return {**found, **versions, "python": platform.python_version(), "system": platform.platform(), "date": today}


def differing(known: Mapping[str, str], found: Mapping[str, str]) -> dict[str, tuple[str, str]]:
    """Return what identifies a device or a library and is another one now, by name: as it was, and as it is."""
    return {name: (known[name], found[name]) for name in IDENTITY if known.get(name, "") and name in found
            and known[name] != found[name]}  # fmt: skip


def _cpu(threads: int) -> dict[str, str]:
    fields = _cpuinfo()
    model, clock = fields.get("model name", platform.processor() or platform.machine()), fields.get("cpu MHz")
    family = ", ".join(f"{name} {fields[name]}" for name in ("cpu family", "model", "stepping") if name in fields)
    found = {"hardware": f"{model} ({family})" if family else model, "threads": str(threads)}
    caches = fields.get("cache size")
    return {**found, **({"clock": f"{float(clock):.0f} MHz"} if clock else {}), **({"cache": caches} if caches else {})}


def _cpuinfo() -> dict[str, str]:
    """Return what Linux tells of the first processor; nothing elsewhere."""
    with suppress(OSError):
        first = Path("/proc/cpuinfo").read_text(encoding="utf-8", errors="replace").partition("\n\n")[0]
        pairs = (line.partition(":") for line in first.splitlines())
        return {name.strip(): value.strip() for name, _, value in pairs}
    return {}


def _gpu() -> dict[str, str]:
    import torch

    found = {"hardware": torch.cuda.get_device_name()}
    found["cuda"] = str(torch.version.cuda)
    found["cudnn"] = str(torch.backends.cudnn.version())  # type: ignore[no-untyped-call]
    return {**found, **_by_tool()}


# What `nvidia-smi` calls what is told of it here.
_ASKED = {"driver": "driver_version", "clock": "clocks.sm", "memory clock": "clocks.mem", "power limit": "power.limit"}


def _by_tool() -> dict[str, str]:
    """Return what `nvidia-smi` tells of the device; nothing where it is not there."""
    import subprocess

    command = ["nvidia-smi", f"--query-gpu={','.join(_ASKED.values())}", "--format=csv,noheader", "--id=0"]
    with suppress(OSError, subprocess.SubprocessError):
        done = subprocess.run(command, capture_output=True, text=True, timeout=10, check=True)
        values = [value.strip() for value in done.stdout.splitlines()[0].split(",")]
        return dict(zip(_ASKED, values, strict=False))
    return {}
