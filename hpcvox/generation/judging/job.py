"""``hpcvox judge``: finds the candidates that are plausible, distinct and new, and the stage that lost each other one.

The stages are those of Court et al. 2020, Table 2: valid; of the base's anonymous formula; not in the training set;
of a composition of its own.  There are two differences.  A crystal counts as in the training set only if that has a
crystal of the same structure, not only of the same composition.  Two stages come before: implausible candidates and
second copies are lost there.
"""

from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from hpcvox import config
from hpcvox.crystals.known import Known
from hpcvox.crystals.parse import parse
from hpcvox.crystals.record import Crystal, Reject
from hpcvox.crystals.sources.cif_set import CifSet
from hpcvox.crystals.sources.source import open_source
from hpcvox.files import durable, earlier
from hpcvox.generation.candidates import CIFS, is_valid, read_candidates, read_crystals
from hpcvox.generation.candidates import Column as Candidate
from hpcvox.generation.judging.benchmark import benchmark, clear, read_reference, told
from hpcvox.generation.judging.plausible import counted, told_plausible
from hpcvox.generation.judging.summary import DRAWN, TABLE, Benchmark, Column, JudgeSummary, Stage
from hpcvox.generation.judging.trained_on import training_set
from hpcvox.generation.judging.verdicts import Asked, anonymous, judged
from hpcvox.generation.settings import GenerateSettings, JudgeSettings
from hpcvox.networks.vae.card import VAECard
from hpcvox.process.outcome import Outcome, rejects_told
from hpcvox.process.settings_files import CONFIG
from hpcvox.shards.layout import REJECTS
from hpcvox.shards.reading.shard_set import ShardSet
from hpcvox.training.folder.card import read_card

COLUMNS: Final = tuple(Column)


def run(settings: JudgeSettings) -> Outcome:
    """Judge the candidates of a run of ``hpcvox generate``.

    Writes ``judged.csv``, ``cifs/``, ``symmetrised/`` and ``summary.json``; with a reference also ``benchmark.csv``,
    and ``rejects.csv`` with the inputs of the reference that are no usable crystals.
    """
    candidates = read_candidates(settings.generated)
    reference = None if settings.reference is None else read_reference(settings.reference)
    with durable.sole_writer(settings.out):
        config.claim(settings, settings.out)
        read = dict(read_crystals(settings.generated, candidates))
        crystals = {name: one for name, one in read.items() if isinstance(one, Crystal)}
        formulas = {crystal.formula for crystal in crystals.values()}
        judge = _Judge(settings, formulas)
        ideal = judge.fill(candidates, read)
        left = [row for row in candidates if not row[Column.LOST]]
        _write_cifs(settings, left, ideal)
        compared = None
        clear(settings.out)
        if reference is not None:
            compared = benchmark(settings, [row[Column.ID] for row in candidates], crystals, reference)
        summary = _write(settings, candidates, judge, compared)
        earlier.whole(settings.out)
    return _outcome(settings, summary, [] if reference is None else reference.rejects)


def _outcome(settings: JudgeSettings, summary: JudgeSummary, rejects: list[Reject]) -> Outcome:
    funnel = ", ".join(f"{count} {stage}" for stage, count in summary.funnel.items())
    parts = [
        f"judged: {funnel}",
        f"{settings.out / TABLE}, CIFs in {CifSet(settings.out / CIFS).place}",
    ]
    if summary.plausible is not None:
        parts.insert(0, told_plausible(summary.plausible))
    if summary.benchmark is not None:
        parts.append(told(summary.benchmark))
    if rejects:
        codes = Counter(reject.code for reject in rejects)
        parts.append("reference: " + rejects_told(dict(sorted(codes.items())), settings.out / REJECTS))
    return Outcome.of_inputs(parts, rejects)


class _Judge:
    """What candidates of this run are judged by."""

    def __init__(self, settings: JudgeSettings, formulas: set[str]) -> None:
        made = config.load(GenerateSettings, settings.generated / CONFIG)
        self.anonymous = settings.anonymous_formula or _base_anonymous(made)
        asked_for = {"element"} if self.anonymous == "A" else set()
        self.asked = Asked(frozenset(set(settings.implausible) - asked_for), self.anonymous, settings.symprec)
        self.training = training_set(made.vae, formulas)
        self.known = [Known.of_source(source, formulas) for source in settings.known]
        self.actors = settings.actors

    @property
    def stages(self) -> list[Stage]:
        """The stages that this run has, in their order."""
        asked = {
            Stage.PLAUSIBLE: bool(self.asked.implausible),
            Stage.ANONYMOUS: self.anonymous is not None,
            Stage.NOT_TRAINED_ON: self.training is not None,
            Stage.NOT_KNOWN: bool(self.known),
        }
        return [stage for stage in Stage if asked.get(stage, True)]

    def fill(self, rows: list[dict[str, Any]], read: Mapping[str, Crystal | Reject]) -> dict[str, str]:
        """Fill the columns of the verdict; return the exactly symmetric crystals of those that are left.

        Args:
            rows: those of all candidates.
            read: the crystal of each candidate that has one, or why it cannot be used, by the candidate's id.

        Returns:
            CIFs by the candidates' ids, of those that are left and have a symmetry.
        """
        valid: list[Crystal] = []
        for row in rows:
            crystal = read.get(row[Column.ID])
            if crystal is None:
                row[Column.LOST] = Stage.PLACED
            elif not is_valid(row):
                row[Column.LOST] = Stage.VALID
            elif isinstance(crystal, Reject):
                row |= {
                    Column.LOST: Stage.VALID,
                    Column.CODE: crystal.code,
                    Column.MESSAGE: crystal.message,
                }
            else:
                valid.append(crystal)
        there = [(Stage.NOT_KNOWN, one) for one in self.known]
        if self.training is not None:
            there.insert(0, (Stage.NOT_TRAINED_ON, self.training))
        found = judged(valid, there, self.asked, self.actors)
        ideal: dict[str, str] = {}
        for row in rows:
            if (one := found.get(row[Column.ID])) is not None:
                row.update(one.row)
                if one.ideal:
                    ideal[row[Column.ID]] = one.ideal
        return ideal


def _base_anonymous(made: GenerateSettings) -> str | None:
    """The anonymous formula of the crystal around which candidates were drawn (``base``); None if there is no base."""
    if made.base is None or made.towards is not None:
        return None
    if Path(made.base).exists():
        entries = open_source(made.base)
        formulas = [c.formula for entry in entries for c in parse(entry) if isinstance(c, Crystal)]
    else:
        shards = ShardSet.open(read_card(made.vae, VAECard).run.shards)
        formulas = [f for name, f in zip(shards.ids, shards.formulas, strict=True) if name == made.base]
    return anonymous(formulas[0]) if formulas else None


def _write_cifs(settings: JudgeSettings, left: list[dict[str, Any]], ideal: Mapping[str, str]) -> None:
    """Write the CIFs of the remaining crystals: as generated, and symmetrised."""
    generated = CifSet(settings.generated / CIFS)
    with CifSet(settings.out / CIFS).replaced(settings.crystals) as add:
        for row in left:
            add(f"{row[Column.ID]}.cif", generated.read(Path(row[Column.CIF]).name))
    with CifSet(settings.out / "symmetrised").replaced(settings.crystals) as add:
        for name, text in ideal.items():
            add(f"{name}.cif", text)


def _write(
    settings: JudgeSettings, rows: list[dict[str, Any]], judge: _Judge, compared: Benchmark | None
) -> JudgeSummary:
    left = [row for row in rows if not row[Column.LOST]]
    table: list[dict[str, Any]] = [{column: row.get(column, "") for column in COLUMNS} for row in rows]
    durable.write_csv(settings.out / TABLE, COLUMNS, table)
    lost = Counter(row[Column.LOST] for row in rows)
    summary = JudgeSummary(
        funnel=_funnel(len(rows), judge.stages, lost),
        lost={stage: lost[stage] for stage in judge.stages},
        plausible=counted(rows) if judge.asked.implausible else None,
        remarks_of_those_left=dict(Counter(code for row in left for code in row[Column.REMARKS].split())),
        space_groups=dict(Counter(row[Column.SYMBOL] for row in left if Column.SYMBOL in row).most_common()),
        left_and_charge_balanced=sum(row[Candidate.CHARGE_BALANCED] == str(True) for row in left),
        anonymous_formula=judge.anonymous,
        training_set="compared" if judge.training is not None else "not found",
        known=[str(path) for path in settings.known],
        benchmark=compared,
    )
    summary.save(settings.out)
    return summary


def _funnel(drawn: int, stages: list[Stage], lost: Counter[str]) -> dict[str, int]:
    """How many candidates remained after each stage, in order."""
    funnel, left = {DRAWN: drawn}, drawn
    for stage in stages:
        left -= lost[stage]
        funnel[stage.passed] = left
    return funnel
