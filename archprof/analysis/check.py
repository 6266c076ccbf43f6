"""Checking networks against budgets: which networks, which budgets, what came of it; nothing stops at the first thing
that is wrong."""

from collections.abc import Callable, Collection, Hashable, Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from fractions import Fraction
from functools import cache, partial
from itertools import chain, repeat
from pathlib import Path
from typing import TYPE_CHECKING

from archprof.analysis.baseline import Snapshot, snapshot
from archprof.analysis.budgets import (
    FAIL,
    NEW,
    OF_MACS,
    PASS,
    CheckedNetwork,
    Verdict,
    bound_on,
    contradictions,
    exactly,
    judge,
    names_no_row,
    select,
    start_of,
)
from archprof.analysis.document import ConventionText, convention_text, inputs_text
from archprof.analysis.models import holds_graph, read_graph_at, refuse_measuring
from archprof.analysis.summary import not_counted
from archprof.analysis.targets import Target, find_targets
from archprof.costs.agreement import Measure
from archprof.costs.at_most import AtMost, at_most
from archprof.costs.measured import disagreement, with_measured
from archprof.costs.metrics import Counts
from archprof.costs.report import Report, analyze_graph
from archprof.errors import InputError, Location, Problem, SpecError, problems_of, suggest
from archprof.ir.graph import Graph
from archprof.language.expand import expand, has_blocks_alone
from archprof.language.spellings import spellings
from archprof.named_tuple import NamedTuple
from archprof.spec import catalog, git
from archprof.spec.budget import Budget, Limit, LimitTerm, Where
from archprof.spec.config import Config
from archprof.spec.load import read_tree, resolve
from archprof.spec.nodes import Scalar, shorten
from archprof.spec.same import identity, is_at, standing_at
from archprof.spec.types import Spec, Tree
from archprof.spec.uncounted import Allowed, is_called
from archprof.spec.variant import Setting, parse_reference
from archprof.units import listed

if TYPE_CHECKING:
    from archprof.devices.profile import Profile

# The budget that asks for what a spec expects.
_EXPECT = Budget(Where(), (), Location("", 0, 0), expect=True)


class CheckRequest(NamedTuple):
    """What to check: networks by name (all of the config's unless given), the config, further limits for each of them,
    and what they are held to.

    *before* are the snapshots of a baseline, by their names from *folder*; *against* is a revision. Their own limits
    hold for every network.
    """

    models: tuple[str, ...] = ()
    config: Config | None = None
    limits: tuple[Limit, ...] = ()
    before: Mapping[str, Snapshot] | None = None
    folder: Path = Path()
    against: str = ""
    allow_empty: bool = False
    allows: Allowed = Allowed()  # what may not be counted, so that MACs are at least so many
    allowing: str = "--allow-uncounted={}"  # how one says so
    measure: Measure | None = None
    # The folder of a baseline that is to be written: snapshots are kept, by their names from there.
    keep: Path | None = None
    implied: str = ""  # the option by which a baseline was asked for
    version: str = ""  # of archprof, that they say they were made by
    commit: str = ""  # that they say they are of
    problems: tuple[Problem, ...] = ()  # what is wrong already
    graphs: tuple[Graph, ...] = ()  # networks that are read already


class CheckedTotals(NamedTuple):
    """The totals of a network that was checked. Where operators are *not_counted*, by name with how often they run, its
    MACs are at least so many; where there is *at_most*, they are at most so many."""

    model: str
    file: str
    totals: Counts
    weighted_layers: int
    not_counted: Mapping[str, int] | None = None
    at_most: AtMost | None = None


class Outcome(NamedTuple):
    """Every verdict, everything that is wrong, and the totals of the networks. The exit code is 2 where something is
    wrong, 1 where a budget is exceeded."""

    convention: ConventionText
    exit_code: int
    verdicts: tuple[Verdict, ...]
    problems: tuple[Problem, ...]
    models: tuple[CheckedTotals, ...]

    @property
    def failures(self) -> tuple[Verdict, ...]:
        """The budgets that are exceeded."""
        return tuple(verdict for verdict in self.verdicts if verdict.status == FAIL)


class Checked(NamedTuple):
    """What came of a check, and the snapshots that were to be kept, by their names in a baseline."""

    outcome: Outcome
    snapshots: Mapping[str, Snapshot]


def check(request: CheckRequest) -> Outcome:
    """Return what came of a check, with everything that is wrong."""
    return checked(request).outcome


def checked(request: CheckRequest) -> Checked:
    """Return what came of a check, and the snapshots of its networks, where the request keeps them."""
    return _Checking(request).run()


class _Checking:
    """A check while it runs. A network's report is let go before the next one is read."""

    def __init__(self, request: CheckRequest) -> None:
        self._request = request
        self._verdicts: list[Verdict] = []
        config = request.config
        self._problems = dict.fromkeys((*request.problems, *(config.problems if config else ())))
        self._models: list[CheckedTotals] = []
        self._snapshots: dict[str, Snapshot] = {}
        self._trees: dict[str, Tree] = {}
        self._identities: dict[tuple[str, tuple[Setting, ...]], Hashable] = {}
        self._met: dict[Budget, bool] = {}  # whether a budget of the config met a row
        self._unmet: dict[Budget, Problem] = {}
        self._expects: dict[Location, bool] = {}  # whether a spec expects what a budget holds it to
        self._names: dict[Scalar, bool] = {}  # of operators that may not be counted: whether one of them was not
        self._uncounted: set[str] = set()
        self._commit = self._root = ""  # of the revision, and the folder of its repository
        # Whether there should be something to count from.
        self._asked = bool(request.against) or request.before is not None
        self._profile = cache(_read_profile)
        self._renamed = cache(lambda: git.renamed_since(self._commit))
        self._since = "baseline" if self._asked and not request.problems else ""
        if request.against:
            self._since = f"git:{request.against}"
            try:
                self._commit = git.commit_of(request.against, Location(f"--against git:{request.against}", 0, 0))
                self._root = git.repository()
            except SpecError as error:
                self._note(error.problems)
                self._request = request._replace(against="")
                self._since = ""

    def run(self) -> Checked:
        """Check every network, then look at what all of them leave over."""
        for graph in self._request.graphs:
            self._at_settings(Target(graph.origin.variant, graph.origin.file, graph.origin.file), graph, ())
        chosen = () if self._request.graphs else self._chosen()
        for target, budgets in chosen:
            try:
                self._network(target, budgets)
            except Exception as error:  # whatever one network raises, the others are checked
                wrong = problems_of(error, target.label)
                self._note(_where_asked(problem, budgets) for problem in wrong)
        for budget, met in self._met.items():
            if not met and budget in self._unmet:
                self._problems[self._unmet[budget]] = None
        self._note(_allows_nothing(name, self._uncounted) for name, met in self._names.items() if not met)
        if not self._request.models:  # what is said of many networks need not hold for the few that were asked for
            self._note(_expects_nothing(place) for place, met in self._expects.items() if not met)
        self._note(contradictions(self._verdicts))
        if (
            not self._verdicts
            and not self._problems
            and self._request.keep is None
            and not (self._request.allow_empty and not chosen)
        ):
            self._problems[_nothing(self._request, bool(self._models))] = None
        failed = any(verdict.status == FAIL for verdict in self._verdicts)
        code = 2 if self._problems else 1 if failed else 0
        found = (tuple(self._verdicts), tuple(self._problems), tuple(self._models))
        return Checked(Outcome(convention_text(), code, *found), self._snapshots)

    def _chosen(self) -> list[tuple[Target, list[Budget]]]:
        """Return the networks to check, each once, with the budgets of the config that are for it."""
        spoken: dict[str, list[tuple[Target, Budget]]] = {}
        configured: list[Target] = []
        config = self._request.config
        for entry in config.entries if config else ():
            for pattern in entry.models:
                for named in self._targets(pattern.text, config.folder if config else Path(), pattern.location):
                    target = named.at(entry.budget.at)
                    configured.append(target)
                    spoken.setdefault(target.place, []).append((target, entry.budget))
        asked = [target for model in self._request.models for target in self._targets(model, Path(), None)]
        if not self._request.models:
            asked = configured
        chosen: dict[str, list[Target]] = {}
        found = []
        for target in asked:
            beside = chosen.setdefault(target.place, [])
            if not any(self._same(target, other) for other in beside):
                beside.append(target)
                found.append((target, self._spoken_of(target, spoken.get(target.place, ()))))
        return found

    def _spoken_of(self, target: Target, spoken: Iterable[tuple[Target, Budget]]) -> list[Budget]:
        """Return the budgets of the config for a network, out of those for its file. What asks a spec for the numbers
        that it expects asks it at all of its settings."""
        own = target._replace(settings=())
        found = [
            budget if self._same(target, other) else _EXPECT._replace(location=budget.location)
            for other, budget in spoken
            if self._same(target, other) or (budget.expect and self._same(own, other))
        ]
        return list(dict.fromkeys(found))

    def _same(self, one: Target, other: Target) -> bool:
        """Tell whether two targets of one file are the same network, in whatever words its settings are put."""
        return dict(one.settings) == dict(other.settings) or self._identity(one) == self._identity(other)

    def _identity(self, target: Target) -> Hashable:
        if (target.place, target.settings) not in self._identities:
            found: Hashable = target.settings
            with suppress(InputError):  # which is met again, and told, when the network is checked
                found = identity(resolve(self._tree(target.file), target.settings, spellings), spellings)
            self._identities[target.place, target.settings] = found
        return self._identities[target.place, target.settings]

    def _targets(self, pattern: str, folder: Path, location: Location | None) -> list[Target]:
        try:
            return find_targets(pattern, folder, location, allow_empty=self._request.allow_empty)
        except SpecError as error:
            self._note(error.problems)
        return []

    def _note(self, problems: Iterable[Problem]) -> None:
        self._problems.update(dict.fromkeys(problems))

    def _network(self, target: Target, budgets: Sequence[Budget]) -> None:
        """Check a network, and it at each further setting that its own budgets or its `expect` speak of."""
        if holds_graph(target.file):
            if self._request.measure is not None:
                refuse_measuring(target.name)
            reads = partial(read_graph_at, target.file, target.settings, train=True)
            self._at_settings(target, read_graph_at(target.file, target.settings), budgets, reads=reads)
            return
        tree = self._tree(target.file)
        if has_blocks_alone(tree):
            if not target.matched:
                advice = "name the specs that import them; `archprof validate` takes it"
                place = Location(target.file, 1, 1)
                raise SpecError([Problem("a file of blocks alone is no network", place, help=advice)])
            return
        spec = resolve(tree, target.settings, spellings)
        target = target._replace(settings=spec.asked)
        mine = [*budgets, *standing_at(spec, spec.budget, spellings)]
        own = is_at(spec, (), spellings)
        if not own:
            mine += [_EXPECT._replace(location=one.location) for one in spec.budget if one.expect and not one.at]
        self._met.update((budget, self._met.get(budget, False)) for budget in mine)
        for budget in mine:
            if budget.expect:
                self._expects[budget.location] = self._expects.get(budget.location, False) or bool(spec.expect)
        self._at_settings(target, expand(spec), mine)
        expects = any(budget.expect for budget in mine)
        elsewhere = [budget.at for budget in spec.budget] + [entry.at for entry in spec.expect if expects]
        if own and elsewhere:
            self._elsewhere(target, spec, elsewhere, expects=expects)

    def _elsewhere(self, target: Target, spec: Spec, settings: Iterable[tuple[Setting, ...]], *, expects: bool) -> None:
        """Check a network at the further settings of its own budgets and of its `expect`, each network once."""
        tree = self._tree(target.file)
        done = {identity(spec, spellings)}
        for at in dict.fromkeys(settings):
            there = resolve(tree, at, spellings)
            if identity(there, spellings) in done:
                continue
            done.add(identity(there, spellings))
            found = standing_at(there, spec.budget, spellings)
            if expects:
                found.append(_EXPECT._replace(location=Location(spec.file, 1, 1)))
            self._met.update(dict.fromkeys(found, False))
            self._at_settings(target.at(there.asked), expand(there), found, limits=False)

    def _at_settings(
        self,
        target: Target,
        graph: Graph,
        budgets: Sequence[Budget],
        *,
        limits: bool = True,
        reads: Callable[[], Graph] | None = None,
    ) -> None:
        report = analyze_graph(graph)
        before, since = None, self._since
        try:
            before, since = self._before(target, report)
        except InputError as error:  # limits that count from nothing hold all the same
            self._note(self._as_asked(problem) for problem in error.problems)
            since = ""
        found = CheckedNetwork(target.label, report, before, since, reads, self._profile)
        weighted = found.count("layers", found.every)
        missing, bound = not_counted(report), at_most(report)
        self._models.append(CheckedTotals(target.label, report.origin.file, report.totals, weighted, missing, bound))
        if self._request.keep is not None:
            self._keep(target, report, self._request.keep)
        start = len(self._verdicts)
        held = Budget(Where(), (*self._request.limits, *self._implied(budgets)), Location(target.label, 0, 0))
        for budget in (*budgets, held) if limits else budgets:
            verdicts = self._decided(found, budget, judge(found, budget))
            self._verdicts += [verdict for verdict in verdicts if not any(map(verdict.same, self._verdicts[start:]))]
            if budget.where.text and not select(found, budget.where):
                self._unmet[budget] = names_no_row(budget, target.label, report.rows)
            else:
                self._met[budget] = True
            self._check_comparable(budget, verdicts)
        allows = self._allowed(budgets, missing or {})
        self._refuse_uncounted(report, allows.refused(missing or {}), self._verdicts[start:])
        if self._request.measure is not None:
            self._verdicts.append(_measured(target.label, graph, report, self._request.measure))

    def _allowed(self, budgets: Sequence[Budget], missing: Mapping[str, int]) -> Allowed:
        """Return which operators may not be counted: those of the request, and of a network's own budgets."""
        own = Allowed()
        for budget in budgets:
            own |= budget.allows
        # What a configuration says of many networks need not hold for the few that were asked for.
        said = self._request.allows.names if self._request.models else (*self._request.allows.names, *own.names)
        for name in said:
            self._names[name] = self._names.get(name, False) or any(is_called(one, name) for one in missing)
        self._uncounted |= missing.keys()
        return self._request.allows | own

    def _refuse_uncounted(self, report: Report, refused: Mapping[str, int], verdicts: Sequence[Verdict]) -> None:
        """Note what may multiply and has no rule, where MACs were held to a limit."""
        if refused and any(one.metric in OF_MACS for one in verdicts):
            message = f"MACs are at least {report.totals.macs:,}; not counted: {listed(refused)}"
            names, allowing = ",".join(refused), self._request.allowing
            if " " in names and '"' not in allowing:  # a shell takes blanks and parentheses for its own
                names = f'"{names}"'
            advice = f"`{allowing.format(names)}` holds what is counted to the limit"
            self._note([Problem(message, start_of(report.origin), help=advice)])

    def _decided(self, found: CheckedNetwork, budget: Budget, verdicts: Sequence[Verdict]) -> list[Verdict]:
        """Return the verdicts that hold where a count is at most so much, and note the others: an upper bound keeps a
        limit, and exceeds none."""
        decided = []
        for verdict, limit in zip(verdicts, chain(budget.limits, repeat(None)), strict=False):
            kept = verdict.status == NEW or (verdict.status == PASS) is (verdict.bound != "min")
            bound = None if kept else bound_on(found, budget.where, verdict.metric, limit)
            if bound is None:
                decided.append(verdict)
            else:
                self._note([_undecided(verdict, bound)])
        return decided

    def _implied(self, budgets: Sequence[Budget]) -> list[Limit]:
        """Return what a baseline that was asked for demands where no relative limit does: no more parameters, no more
        MACs."""
        asked = [*self._request.limits, *(limit for budget in budgets for limit in budget.limits)]
        if not self._request.implied or any(limit.relative for limit in asked):
            return []
        place = Location(self._request.implied, 0, 0)
        return [
            Limit(metric, "max", "+0", (LimitTerm(Fraction(0), relative=True),), place) for metric in ("params", "macs")
        ]

    def _check_comparable(self, budget: Budget, verdicts: Sequence[Verdict]) -> None:
        """Note a relative limit where there is nothing that it could be relative to."""
        if self._asked:
            return
        for limit in budget.limits:
            if limit.relative and verdicts:
                advice = "`--baseline FILE`, `baseline:` in the configuration, or `--against git:REV`"
                message = f"`{limit.text}` counts from a baseline, and there is none"
                self._note([Problem(message, limit.location, help=advice)])

    def _before(self, target: Target, report: Report) -> tuple[Snapshot | None, str]:
        """Return what the network cost, None where the baseline lacks it, and where that stands. Raises InputError for
        one that was counted otherwise."""
        if self._request.against:
            return self._at_revision(target)
        if self._request.before is None:
            return None, self._since
        key = self._key(target, self._request.folder)
        found = self._request.before.get(key)
        now = snapshot(report)
        if found is not None and found.counted_as != now.counted_as:
            was, is_now = (f"{one.convention} at {inputs_text(one.inputs)}" for one in (found, now))
            advice = "`--write-baseline` counts it anew"
            message = f"`{key}` was counted otherwise in the baseline: {was}, now {is_now}"
            raise InputError([Problem(message, start_of(report.origin), help=advice)])
        return found, self._since

    def _at_revision(self, target: Target) -> tuple[Snapshot | None, str]:
        if target.file == "-":
            return None, self._since
        for reference, since in self._references(target):
            try:
                return snapshot(analyze_graph(self._graph_at(reference, target.settings))), since
            except SpecError:
                if git.exists(reference):
                    if self._lacks(reference, target.settings):
                        break
                    raise
        return None, self._since

    def _references(self, target: Target) -> Iterator[tuple[str, str]]:
        """Yield where a network may stand at the revision that limits count from, and how that is told: under its own
        name, that of what a new link leads to, and those from which they were renamed."""
        references = []
        for file in (target.file, target.place):
            try:
                references.append(self._then(file))
            except SpecError:
                if catalog.is_path(target.name):
                    raise
                return  # an installed catalog has no revisions
        yield from ((reference, self._since) for reference in dict.fromkeys(references))
        for place in map(git.parse_place, dict.fromkeys(references)):
            if (then := self._renamed().get(place.path)) and not catalog.is_git(target.file):
                yield str(place._replace(path=then)), f"{self._since}:{then}"

    def _then(self, file: str) -> str:
        """Return the reference of a file, which may be of a revision itself, at the one that limits count from: by its
        hash, so that git is not asked for every spec which commit a branch is."""
        if catalog.is_git(file):
            return str(git.parse_place(file)._replace(revision=self._commit))
        return git.at_revision(self._commit, file, Location(file, 1, 1), self._root)

    def _lacks(self, reference: str, settings: Sequence[Setting]) -> bool:
        """Tell whether a network is fine at a revision but for settings, which a change may bring along."""
        with suppress(SpecError):
            return bool(settings) and bool(self._graph_at(reference, ()))
        return False

    def _as_asked(self, problem: Problem) -> Problem:
        """Return a problem of a revision in the words that it was asked for in, not by its hash."""
        place = problem.location
        if not self._commit or place is None:
            return problem
        known, asked = (f"{catalog.GIT}{name}:" for name in (self._commit, self._request.against))
        place = place._replace(file=place.file.replace(known, asked))
        return problem._replace(message=problem.message.replace(known, asked), location=place)

    @staticmethod
    def _graph_at(reference: str, settings: Sequence[Setting]) -> Graph:
        if holds_graph(reference):
            return read_graph_at(reference, settings)
        return expand(resolve(read_tree(reference, spellings), settings, spellings))

    def _keep(self, target: Target, report: Report, folder: Path) -> None:
        self._snapshots[self._key(target, folder)] = snapshot(report, self._request.version, self._request.commit)

    def _key(self, target: Target, folder: Path) -> str:
        """Return the name of a network in the baseline, which may have its settings in other words."""
        key, file = target.key(folder), target._replace(settings=()).key(folder)
        if key in (before := self._request.before or {}):
            return key
        for name in before:
            if name == file or name.startswith(f"{file}@"):
                with suppress(InputError):  # its settings need not be ones any more
                    named = parse_reference(name)
                    if named.target == file and self._same(target, target._replace(settings=named.settings)):
                        return name
        return key

    def _tree(self, file: str) -> Tree:
        if file not in self._trees:
            self._trees = {file: read_tree(file, spellings)}
        return self._trees[file]


def _read_profile(device: str) -> "Profile":
    from archprof.devices.profile_file import read_profile

    return read_profile(device)


def _allows_nothing(name: Scalar, uncounted: Collection[str]) -> Problem:
    """Return the problem of a name that no operator has that is not counted."""
    advice = suggest(name.text, sorted(uncounted), "not counted") if uncounted else "every operator is counted"
    return Problem(f"nothing called `{shorten(name.text)}` is uncounted", name.location, help=advice)


def _expects_nothing(place: Location) -> Problem:
    """Return the problem of a budget that holds networks to what none of them expects."""
    advice = "a spec states its numbers: `expect: [{params: 5.5M}]`"
    return Problem("`expect` of networks that expect nothing", place, help=advice)


def _where_asked(problem: Problem, budgets: Sequence[Budget]) -> Problem:
    """Return a problem that stands in no file, as a missing one and a wrong setting do, at the budget that asks for the
    network."""
    if not budgets or (problem.location and problem.location.line):
        return problem
    return problem._replace(
        location=budgets[0].location, where=problem.location.file if problem.location else problem.where
    )


def _nothing(request: CheckRequest, any_network: bool) -> Problem:
    if any_network:
        return Problem(
            "no budget speaks of these networks",
            help="`--max-macs 220M`, a `budget:` in the spec, or an entry of archprof.yaml",
        )
    if request.config is None:
        return Problem(
            "there is nothing to check",
            help="name networks, or write budgets into archprof.yaml or `[tool.archprof]` of pyproject.toml",
        )
    return Problem(
        "there is nothing to check",
        Location(request.config.file, 1, 1),
        help="as in `budgets: [{model: specs/*.yaml, macs: 220M}]`",
    )


# What there may be less of where data decides, in words.
_BOUNDED = {
    "macs": "MACs are",
    "flops": "FLOPs are",
    "activations": "activations are",
    "train_macs": "MACs in training are",
    "peak": "bytes at the peak are",
}


def _undecided(verdict: Verdict, bound: AtMost) -> Problem:
    """Return that nobody knows whether a limit holds."""
    sign = "≥" if verdict.bound == "min" else "≤"
    known = f"{_BOUNDED[verdict.metric]} at most {verdict.actual:,}"
    untold = f"which does not tell whether they are {sign} {verdict.limit:,}"
    message = f"{known}, {untold}: {listed(bound.causes)} may come to less"
    return Problem(message, verdict.spec, help="an upper bound keeps a limit that is as high; of others data decides")


def _measured(label: str, graph: Graph, report: Report, measure: Measure) -> Verdict:
    """Return whether the module has what the formulas say."""
    counted = measure(graph)
    reason = disagreement(with_measured(report, counted))
    place = start_of(report.origin)
    return exactly(label, "macs", "the module", report.totals.macs, counted.macs, place, reason)
