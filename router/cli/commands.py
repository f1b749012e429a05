"""The commands of `sor`, by name. What each does stands in the module it comes from."""

from collections.abc import Callable

import typer

from router.cli import (
    admission,
    amending,
    auditing,
    balances,
    baskets,
    configuring,
    costing,
    curves,
    doubting,
    drilling,
    examining,
    learning,
    looking,
    people,
    reconciling,
    recording,
    restoring,
    running,
    simulating,
    trading,
    venues,
    volume,
    whatif,
)

_NEXT = """Three things to try next:
  sor demo      watch one order routed over three exchanges on this machine: no keys, no network
  sor init      write a configuration for your own venues (paper trading first)
  sor --help    everything else"""

app = typer.Typer(
    help="A smart order router across crypto venues.",
    pretty_exceptions_enable=False,  # they would print local variables, and keys among them
    context_settings={"help_option_names": ["-h", "--help"]},
)


@app.callback(invoke_without_command=True)
def start(context: typer.Context) -> None:
    """A smart order router across crypto venues."""
    if context.invoked_subcommand is None:
        typer.echo(_NEXT)


_COMMANDS: dict[str, Callable[..., None]] = {
    "demo": running.demo,
    "init": running.init,
    "lab": running.lab,
    "serve": running.serve,
    "api": running.api,
    "book": looking.book,
    "estimate": trading.estimate,
    "execute": trading.execute,
    "submit": trading.submit,
    "orders": looking.orders,
    "show": looking.show,
    "explain": looking.explain,
    "tca": costing.tca,
    "volume": volume.volume,
    "alerts": looking.alerts,
    "doubts": doubting.doubts,
    "resolve": doubting.resolve,
    "restored": restoring.restored,
    "reconcile": reconciling.reconcile,
    "cancel": trading.cancel,
    "pause": amending.pause,
    "resume-order": amending.resume_order,
    "continue": amending.continue_order,
    "amend": amending.amend,
    "halt": trading.halt,
    "resume": trading.resume,
    "verify": auditing.verify,
    "replay": auditing.replay,
    "doctor": examining.doctor,
    "record": recording.record,
    "simulate": simulating.simulate,
    "drill": drilling.drill,
    "login": people.login,
}
for _name, _command in _COMMANDS.items():
    app.command(_name)(_command)
app.add_typer(auditing.app, name="audit")
app.add_typer(venues.app, name="venues")
app.add_typer(balances.app, name="balances")
app.add_typer(baskets.app, name="basket")
app.add_typer(configuring.app, name="config")
app.add_typer(whatif.app, name="whatif")
app.add_typer(curves.app, name="curves")
app.add_typer(learning.app, name="learn")
app.add_typer(people.users, name="users")
app.add_typer(people.keys, name="keys")
app.add_typer(people.changes, name="changes")
admission.guard(app)
