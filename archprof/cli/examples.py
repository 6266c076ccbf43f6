"""What every `--help` ends with: two examples, which the tests run, and the page of the documentation to read on."""

from collections.abc import Mapping

from archprof.named_tuple import NamedTuple


class Examples(NamedTuple):
    """Command lines to try, and a page of this repository."""

    lines: tuple[str, str]
    page: str


# By command; `archprof` for that of all commands.
EXAMPLES: Mapping[str, Examples] = {
    "archprof": Examples(("archprof summary mobilenet_v2", "archprof compare v1 v2 v3"), "docs/index.md"),
    "summary": Examples(
        ("archprof summary v2 --width 0.75 --resolution 192", "archprof summary my_net.yaml --full --top 10"),
        "docs/tutorial/first-network.md",
    ),
    "show": Examples(
        ("archprof show resnet50", "archprof show v2@width=0.5 --format markdown"),
        "docs/reference/spec.md",
    ),
    "list": Examples(("archprof list mobilenet", "archprof list 'resnet*' '*v3*'"), "docs/reference/cli.md"),
    "validate": Examples(("archprof validate my_net.yaml", "archprof validate 'my_*.yaml'"), "docs/reference/spec.md"),
    "cost": Examples(
        (
            "archprof cost --conv std,dw --k 3,5 --in 64 --out 128 --size 56",
            "archprof cost --conv inverted --t 6 --versus std:k=3",
        ),
        "docs/explanation/counting.md",
    ),
    "draw": Examples(
        ("archprof draw v3 -o v3.svg", "archprof draw inverted_residual --set c=32 -o block.svg"),
        "docs/how-to/draw.md",
    ),
    "memory": Examples(
        ("archprof memory v3 --batch 32 --dtype fp16", "archprof memory resnet50 --train adamw --batch 64 --top 5"),
        "docs/how-to/will-it-fit.md",
    ),
    "latency": Examples(
        ("archprof latency v2 --device h100", "archprof latency v3 --device h100 --batch 32 --sort latency --top 5"),
        "docs/explanation/latency.md",
    ),
    "bench": Examples(
        ("archprof bench my_net.yaml --rounds 4", "archprof bench net.py:Net --input 3x64x64 --batch 1,2 --top 5"),
        "docs/how-to/measure-latency.md",
    ),
    "calibrate": Examples(
        (
            "archprof calibrate --operators 12 --networks lenet5,squeezenet1_1 -o cpu.json",
            "archprof calibrate --verify my_cpu.json",
        ),
        "docs/how-to/measure-latency.md",
    ),
    "compare": Examples(
        ("archprof compare v1 v2@width=1.4 v3", "archprof compare 'shufflenet_v2*' --by kind -o networks.md"),
        "docs/explanation/width-and-resolution.md",
    ),
    "report": Examples(
        ("archprof report v3 -o v3.html", "archprof report v1 v2 v3 --device h100 -o mobile.html"),
        "docs/how-to/report.md",
    ),
    "diff": Examples(
        ("archprof diff v1 v2", 'archprof diff v3 "v3@layers[1].rows[14].k=3"'),
        "docs/reference/cli.md",
    ),
    "sweep": Examples(
        (
            "archprof sweep v2 --width 0.35:1.4:0.05 --resolution 128,160,192,224",
            "archprof sweep v1 v2 --width 0.25:1:0.05 --pareto params,macs -o front.csv",
        ),
        "docs/how-to/sweep.md",
    ),
    "solve": Examples(
        (
            "archprof solve v2 --max-macs 150M",
            "archprof solve v2 --target-macs 200M --width 0.5:1 --write-spec net.yaml",
        ),
        "docs/how-to/solve.md",
    ),
    "space": Examples(
        (
            "archprof space space_ofa_mbv3 --resolution 224 --max-macs 200M --sample 10",
            "archprof space space_nats_size --minimize macs --max-params 300k --top 5",
        ),
        "docs/how-to/spaces.md",
    ),
    "explain": Examples(
        ("archprof explain v3 --number 234.8M", "archprof explain v3 --convention fvcore"),
        "docs/explanation/why-tools-differ.md",
    ),
    "lock": Examples(
        (
            "archprof lock net.py:Net --input 3x64x64 -o net.lock.json",
            "archprof lock net.py:Net --check net.lock.json",
        ),
        "docs/how-to/your-own-model.md",
    ),
    "check": Examples(
        (
            "archprof check v3 --max-macs 220M --max-params 5.5M",
            "archprof check my_net.yaml --write-baseline baseline.json",
        ),
        "docs/how-to/ci-budgets.md",
    ),
    "verify": Examples(
        ("archprof verify v2 --analytic", "archprof verify 'vgg1?' --analytic"),
        "docs/explanation/reliability.md",
    ),
    "schema": Examples(
        ("archprof schema -o archprof.schema.json", "archprof schema summary"), "docs/reference/json.md"
    ),
}
