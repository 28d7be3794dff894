"""The examples at the end of a command's help, unless its own text has them."""

from collections.abc import Mapping

EXAMPLES: Mapping[str, tuple[str, ...]] = {
    "init": ("shjobs init", "shjobs init rasters --deployment cdse --url s3://my-bucket/rasters"),
    "import": (
        "shjobs import body.json --name ndvi",
        "shjobs import notebook.ipynb --url s3://my-bucket/rasters",
        "shjobs import example.py --url s3://my-bucket/rasters --dry-run",
    ),
    "check": ("shjobs check", "shjobs check jobs.d/ndvi.yaml --strict", "shjobs check -o github"),
    "expand": ("shjobs expand jobs.d/alps.yaml", "shjobs expand jobs.d/alps.yaml -o geojson --at 2027-01-31"),
    "preview": ("shjobs preview jobs.d/ndvi.yaml", "shjobs preview jobs.d/all.yaml --job ndvi --output ndvi.png"),
    "plan": (
        "shjobs plan",
        "shjobs plan --against origin/main -o markdown --comment",
        "shjobs plan --at 2027-01-01",
        "shjobs plan --detailed-exitcode",
    ),
    "sync": ("shjobs sync", "shjobs --config other.toml sync"),
    "run": ("shjobs run", "shjobs run --listen 127.0.0.1:9617 --log-format json"),
    "describe": ("shjobs describe ndvi-malta", "shjobs describe ndvi-malta -o json", "shjobs describe set/ndvi-alps"),
    "why": ("shjobs why ndvi-malta", "shjobs why set/ndvi-alps"),
    "page": ("shjobs page", "shjobs page --listen 127.0.0.1:8080", "shjobs page --export report"),
    "events": ("shjobs events ndvi-malta -n 50", "shjobs events set/ndvi-alps", "shjobs events --follow"),
    "wait": (
        "shjobs wait ndvi-malta --timeout 2h",
        "shjobs wait set/ndvi-alps --for Complete=95%",
        "shjobs wait --revision 4f1d2c9e",
    ),
    "fetch": (
        "shjobs fetch ndvi-malta --preview",
        "shjobs fetch -l team=agri",
        "shjobs fetch set/ndvi-alps",
        "shjobs fetch ndvi-malta --submission ce88d6f10e1ff1c5-r0-a0",
    ),
    "resolve": ("shjobs resolve ndvi-malta --not-accepted",),
    "adopt": ("shjobs adopt ndvi-malta 1e2a9bec-c6af-4f37-a9f6-4fe2bdadcfe0", "shjobs adopt --first-run"),
    "retry": ("shjobs retry ndvi-malta", "shjobs retry set/ndvi-alps", "shjobs retry set/ndvi-alps --unknown --yes"),
    "accept": ("shjobs accept 3fa1c02be7d9",),
    "pause": ("shjobs pause",),
    "resume": ("shjobs resume",),
    "budget": (
        "shjobs budget",
        "shjobs budget --by set",
        "shjobs budget --by team --month 2026-03",
        "shjobs budget -o json",
    ),
    "notify": ("shjobs notify", "shjobs notify --test", "shjobs notify team --test"),
    "doctor": ("shjobs doctor", "shjobs doctor --write", "shjobs doctor --probe --url s3://my-bucket/probes"),
    "config": ("shjobs config show", "shjobs config show -o json"),
    "schema": ("shjobs schema > manifest.schema.json",),
    "completion": (
        'eval "$(shjobs completion bash)"',
        "shjobs completion fish > ~/.config/fish/completions/shjobs.fish",
    ),
    "sandbox": ("shjobs sandbox", "shjobs sandbox --port 0 --bucket my-bucket --bucket other"),
    "demo": ("shjobs demo", "shjobs demo --page", "shjobs demo --directory /tmp/demo"),
}


def epilog(command: str) -> str:
    """The examples of a command, marked so that click does not rewrap them; empty when it has none."""
    lines = "\n".join(f"  {line}" for line in EXAMPLES.get(command, ()))
    return f"\b\nExamples:\n{lines}" if lines else ""
