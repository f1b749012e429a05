"""Commands an auditor uses: check the journal, take one parent's story away, decide it all again."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Any

import typer

from policies import POLICIES
from router.app.exits import ExitCode
from router.cli import tables
from router.cli.common import AsJson, ConfigFile, Ref, run, settings
from router.cli.deciding import is_decision, parse_decision, record
from router.cli.out import Out
from router.config import Config
from router.journal.bundle import Bundler, check
from router.journal.heads import SignedHead
from router.journal.verify import Break
from router.market_record.archive import Archive
from router.model.errors import BadInput
from router.model.ids import ParentId, RefId
from router.orders.client_ids import parent_id
from router.ports import Appended
from router.runtime.replay import Divergence, Replay
from router.store import JournalStore, open_store
from router.store.audit import audit

_PAGE_ROWS = 500
_SHOWN = 600

app = typer.Typer(help="Check the record: the journal's chain, its exported heads, one parent's story.")

Heads = Annotated[
    Path | None, typer.Option("--heads", help="The file of exported heads. Default: that of the settings, if there.")
]
Key = Annotated[str | None, typer.Option("--key", help="The public key (hex) that must have signed the heads.")]


@app.command("verify")
def verify(
    config: ConfigFile = None,
    heads: Heads = None,
    key: Key = None,
    bundle: Annotated[
        Path | None, typer.Option("--bundle", help="Check this bundle instead; needs no database.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Walk the chain from its first row; compare what stands beside it and the heads that were exported.

    Then walk the market record's chain.
    """
    if bundle is not None:
        run(_verify_bundle(bundle, key, as_json=as_json), as_json=as_json)

    async def work() -> ExitCode:
        found = settings(config)
        exported = _heads(found, heads)
        store = await open_store(found.database_url, found.mode, create=False)
        archive = Archive(found.database_url)
        try:
            walked = await audit(store, exported, key)
            record = await archive.verify()
        finally:
            await archive.close()
            await store.close()
        shown = {
            "rows": walked.rows,
            "head": walked.head,
            "heads": len(exported),
            "signed_by": key or (exported[0].key if exported else None),
            "clean": walked.clean and not record.breaks,
            "breaks": _said(walked.breaks),
            "market_record": {"blocks": record.blocks, "head": record.head, "breaks": list(record.breaks)},
        }
        Out(as_json=as_json).show(shown, tables.verified)
        return ExitCode.OK if shown["clean"] else ExitCode.FAILED

    run(work(), as_json=as_json)


@app.command("export")
def export(
    ref: Ref,
    out: Annotated[Path, typer.Option("--out", "-o", help="The file to write; it must not be there yet.")],
    config: ConfigFile = None,
    heads: Heads = None,
    as_json: AsJson = False,
) -> None:
    """Write one order's story, with its place in the chain, to a file that anybody can check."""

    async def work() -> ExitCode:
        found = settings(config)
        if out.exists():
            raise BadInput("out", f"{out} is there already")
        store = await open_store(found.database_url, found.mode, create=False)
        try:
            wanted = _parent(found, store, ref)
            bundler = Bundler.of(wanted)
            seq = 0
            while page := await store.stored_rows(seq, _PAGE_ROWS):
                for row in page:
                    bundler.take(row)
                seq = page[-1].seq
            made = bundler.bundle(store.deployment, _heads(found, heads))
        finally:
            await store.close()
        if not made["rows"]:
            raise BadInput("ref_id", f"{ref} is not in this journal")
        out.write_text(json.dumps(made, indent=1))
        shown = {"file": str(out), "rows": len(made["rows"]), "heads": len(made["heads"])}
        Out(as_json=as_json).show(shown, lambda it: f"{it['file']}: {it['rows']} rows, {it['heads']} signed heads")
        return ExitCode.OK

    run(work(), as_json=as_json)


def replay(
    ref: Annotated[str | None, typer.Argument(metavar="[REF]", help="Only the rows of this order.")] = None,
    seq: Annotated[int | None, typer.Option("--seq", min=1, help="Only this row.")] = None,
    decision: Annotated[str | None, typer.Option("--decision", help="Only this decision, with its record.")] = None,
    config: ConfigFile = None,
    as_json: AsJson = False,
) -> None:
    """Decide again what the journal says was decided, and report the first row that comes out otherwise.

    With --decision also what the splitter was asked, its certificate, and what others would have done.
    """

    async def work() -> ExitCode:
        found = settings(config)
        store = await open_store(found.database_url, found.mode, create=False)
        try:
            concerns = _concerns(None if ref is None else _parent(found, store, ref), seq, decision)
            replayed = Replay(POLICIES, concerns)
            diverged = await _replay(store, replayed)
        finally:
            await store.close()
        if diverged is None and replayed.decided == 0 and (ref or seq or decision):
            field = "ref_id" if ref else "seq" if seq else "decision"
            raise BadInput(field, f"{ref or seq or decision} is not in this journal")
        shown = _replayed(replayed, diverged)
        if decision is not None:
            shown["record"] = _record(replayed, decision)
        Out(as_json=as_json).show(shown, _drawn)
        return ExitCode.OK if diverged is None else ExitCode.FAILED

    run(work(), as_json=as_json)


async def _replay(store: JournalStore, replayed: Replay) -> Divergence | None:
    while page := await store.read(replayed.rows, _PAGE_ROWS):
        if (diverged := replayed.take(page)) is not None:
            return diverged
    return None


async def _verify_bundle(file: Path, key: str | None, *, as_json: bool) -> ExitCode:
    content = _content(file)
    breaks = check(content, key)
    rows = content.get("rows") or []
    shown = {
        "rows": len(rows),
        "head": str(rows[-1].get("hash")) if rows and isinstance(rows[-1], dict) else "",
        "heads": len(content.get("heads") or []),
        "clean": not breaks,
        "breaks": _said(breaks),
    }
    Out(as_json=as_json).show(shown, tables.walked)
    return ExitCode.FAILED if breaks else ExitCode.OK


def _content(file: Path) -> dict[str, Any]:
    try:
        content = json.loads(file.read_text())
    except (OSError, ValueError) as error:
        raise BadInput("bundle", f"{file} cannot be read ({type(error).__name__})") from None
    if not isinstance(content, dict):
        raise BadInput("bundle", f"{file} holds no bundle")
    return content


def _heads(config: Config, given: Path | None) -> list[SignedHead]:
    """Those of the file that was named; those of the settings' file, if there is one."""
    from router.app.heads import read_heads  # noqa: PLC0415 - brings the connectors with it

    file = given or config.audit.heads
    return list(read_heads(file)) if given is not None or file.exists() else []


def _parent(config: Config, store: JournalStore, ref: str) -> ParentId:
    return parent_id(deployment=store.deployment, entity=config.entity, ref_id=RefId(ref))


def _record(replayed: Replay, decision: str) -> dict[str, Any] | None:
    """The record of a decision that was just made again, and the bytes of the facts that hold it."""
    wanted = parse_decision(decision)
    asked = next((one for one in replayed.asked if (one.parent_id, one.round) == wanted), None)
    return None if asked is None else record(asked) | {"facts": replayed.facts_hash}


def _concerns(
    parent: ParentId | None, seq: int | None, decision: str | None = None
) -> Callable[[Appended], bool] | None:
    if decision is not None:
        wanted = parse_decision(decision)
        return lambda row: is_decision(row, *wanted)
    if parent is not None:
        return lambda row: parent in repr(row.row)
    return None if seq is None else lambda row: row.seq == seq


def _said(breaks: tuple[Break, ...]) -> list[dict[str, object]]:
    return [{"seq": one.seq, "why": one.why} for one in breaks]


def _replayed(replayed: Replay, diverged: Divergence | None) -> dict[str, Any]:
    shown: dict[str, Any] = {"rows": replayed.rows, "decided_again": replayed.decided, "diverged": None}
    if diverged is not None:
        written, decided = diverged.first
        shown["diverged"] = {"seq": diverged.seq, "event": diverged.event, "written": written, "decided": decided}
    return shown


def _drawn(shown: dict[str, Any]) -> str:
    diverged = shown["diverged"]
    if diverged is None:
        made = shown.get("record")
        if made is not None:
            bound = made["certificate"]
            gap = "nothing could be sent" if bound is None else f"within {bound['gap_bps']} bps of the best there is"
            return f"{made['decision']}: decided again to the same bytes ({made['facts'][:16]}), {gap}"
        return f"{shown['decided_again']} of {shown['rows']} rows decided again: the same facts, every one"
    return (
        f"row {diverged['seq']} ({diverged['event']}) comes out otherwise\n"
        f"  written: {diverged['written'][:_SHOWN]}\n  decided: {diverged['decided'][:_SHOWN]}"
    )
