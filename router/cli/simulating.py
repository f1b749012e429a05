"""`sor simulate`: seeds of the simulation, judged; a failing one with the command that runs it again."""

import os
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from router.app.exits import ExitCode
from router.cli.common import AsJson
from router.cli.out import Out, complain

_KEPT = Path(".sor/failing-seeds")
_SHELLS = ("engine", "live")


def simulate(
    seed: Annotated[int, typer.Option(min=0, help="The first seed.")] = 0,
    seeds: Annotated[int, typer.Option(min=1, help="How many, from the first on.")] = 1,
    children: Annotated[
        int | None,
        typer.Option(min=1, help="Go on until there were so many children, instead of --seeds."),
    ] = None,
    hours: Annotated[
        float | None, typer.Option(min=0.001, help="Virtual hours in which things go wrong. Default: the profile's.")
    ] = None,
    profile: Annotated[str, typer.Option(help="How much goes wrong: calm, default, storm or baskets.")] = "default",
    shell: Annotated[
        str, typer.Option(help="engine: the engine and its last gate; live: the driver's own tasks and the store too.")
    ] = "engine",
    workers: Annotated[int, typer.Option(min=1, max=256, help="Processes.")] = 1,
    keep: Annotated[Path, typer.Option(help="Where seeds that failed are kept.")] = _KEPT,
    as_json: AsJson = False,
) -> None:
    """Run the engine in virtual time over venues that misbehave by seed, and judge it by what the venues know.

    Exit code 1 on a breach, and when a run of 100,000 children or more of the usual profile shows a situation that
    matters fewer than 100 times: such a run proves less than it says.
    """
    from router.simulate.many import Tally, run_seeds  # noqa: PLC0415 - a heavy import, for this command only
    from router.simulate.reach import MANY_CHILDREN, TIMES_LEAST, seldom  # noqa: PLC0415
    from router.simulate.swarm import PROFILES  # noqa: PLC0415

    if profile not in PROFILES:
        complain(f"profile: {profile} is not one of {', '.join(PROFILES)}", as_json=as_json, field="profile")
        raise typer.Exit(ExitCode.BAD_INPUT)
    if shell not in _SHELLS:
        complain(f"shell: {shell} is not one of {', '.join(_SHELLS)}", as_json=as_json, field="shell")
        raise typer.Exit(ExitCode.BAD_INPUT)
    chosen = PROFILES[profile] if hours is None else PROFILES[profile].lasting(hours)
    out, tally = Out(as_json=as_json), Tally()
    for ran in run_seeds(seed, None if children is not None else seeds, chosen, workers, live=shell == "live"):
        tally.add(ran)
        for breach in ran.breaches[:1]:
            out.say(f"{ran.again}  # {breach.invariant}: {breach.detail}")
        if ran.breaches:
            _keep(keep, ran.again)
        if children is not None and tally.children >= children:
            break
    large = tally.children >= MANY_CHILDREN and profile == "default" and shell == "engine"
    too_seldom = seldom(tally.reached, TIMES_LEAST) if large else {}
    for name, times in too_seldom.items():
        out.say(f"seen only {times} times, where {TIMES_LEAST} are insisted on: {name}")
    report = {
        "first_seed": seed,
        "profile": profile,
        "shell": shell,
        "seeds": tally.seeds,
        "parents": tally.parents,
        "children": tally.children,
        "accepted": tally.accepted,
        "quarantined": tally.quarantined,
        "virtual_hours": round(tally.virtual_s / 3_600, 3),
        "cpu_s": round(tally.cpu_s, 1),
        "children_per_cpu_s": round(tally.rate),
        "reached": dict(sorted(tally.reached.items())),
        "seldom": too_seldom,
        "failed": [
            {
                "seed": ran.seed,
                "again": ran.again,
                "breaches": [f"{breach.invariant}: {breach.detail}" for breach in ran.breaches],
            }
            for ran in tally.failed
        ],
    }
    out.show(report, _drawn)
    raise typer.Exit(ExitCode.FAILED if tally.failed or too_seldom else ExitCode.OK)


def _keep(path: Path, again: str) -> None:
    """One line per seed that ever failed."""
    path.parent.mkdir(parents=True, exist_ok=True)
    known = path.read_text().splitlines() if path.exists() else []
    if again not in known:
        with path.open("a") as file:
            file.write(again + os.linesep)


def _drawn(report: dict[str, Any]) -> RenderableType:
    table = Table(title="What was reached", title_justify="left")
    table.add_column("situation")
    table.add_column("times", justify="right")
    for name, times in report["reached"].items():
        table.add_row(name, f"{times:,}")
    breached = len(report["failed"])
    verdict = "no breach" if not breached else f"{breached} seed{'s' if breached > 1 else ''} with a breach"
    if report["seldom"]:
        verdict += f", and too seldom seen: {', '.join(report['seldom'])}"
    return Group(
        table,
        Text(
            f"{report['seeds']:,} seeds, {report['children']:,} children, {report['accepted']:,} accepted, "
            f"{report['virtual_hours']:,} virtual hours in {report['cpu_s']:,} s of processor time "
            f"({report['children_per_cpu_s']:,} children/s): {verdict}"
        ),
    )
