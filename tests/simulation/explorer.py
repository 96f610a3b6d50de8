"""A model checker that runs the real handlers.

A handler that is given the same message, the same time and the same answers makes the same next call. So an
invocation is a point in a tree that grows by running the real code, and a state of the whole is small: what
lies in AWS, how far the bucket's history has come, which messages wait, and where each invocation stands.
Every state is looked at once, however many schedules lead to it.

The names that handlers give to their writes are random, so states that differ only by them are one.
"""

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from tests.simulation import faults
from tests.simulation.fakes import dynamodb
from tests.simulation.fakes.events import s3_notification
from tests.simulation.fakes.s3 import Content
from tests.simulation.fakes.world import Request, World
from tests.simulation.faults import Fault
from tests.simulation.invocation import Invocation

type Handler = Callable[[dict[str, Any]], dict[str, Any]]
type Change = Callable[[World], object]
"""One of the operations on the bucket that a history consists of."""

DAYS = 9 * 24 * 3600.0
_FAULTS = (faults.throttled, faults.lost, faults.repeated)
_NEW_OP_ID = Request("", "new op id", {})
_NAME = re.compile(r"\bop\d+\b")


class Violation(AssertionError):
    """Some schedule does not end as it must. The message is that schedule."""


class Letter(NamedTuple):
    """A message, of which several copies may be on their way."""

    queue: str
    body: str


LISTING = Letter("listing", "")


class Mail(NamedTuple):
    letter: int
    receives: int
    """How often this copy was received before."""


class Running(NamedTuple):
    mail: Mail
    node: int


class State(NamedTuple):
    snapshot: int
    done: int
    """Operations of the history."""
    mail: tuple[Mail, ...]
    running: tuple[Running, ...]
    faults: int
    """That may still happen, crashes included."""
    leaps: int
    """In time, that may still happen."""


class Snapshot(NamedTuple):
    """What lies in AWS."""

    clock: float
    objects: Mapping[str, Mapping[str, Any]]
    changes: Mapping[str, int]
    items: Mapping[str, Mapping[Any, Any]]
    """By table."""


class Path(NamedTuple):
    """All that an invocation was told so far."""

    letter: int
    receives: int
    clock: float
    answers: tuple[int, ...]


@dataclass(slots=True)
class Node:
    path: Path
    request: int | None
    """What it asks next; None at its end."""
    failed: bool = False
    held: Invocation | None = None
    """The invocation itself, until somebody leads it on."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Bounds:
    in_flight: int = 2
    """Invocations at the same time."""
    copies: Sequence[int] = (2, 2, 2, 2)
    """Of the events of each operation."""
    faults: int = 0
    leaps: int = 0
    leap: float = DAYS
    """Seconds, longer than any invocation takes."""
    lost: int | None = None
    """The operation whose event is never delivered. A listing is made some time after it."""


@dataclass(slots=True)
class Report:
    states: int = 0
    ends: int = 0
    schedules: int = 0


class _Numbers[T]:
    """Things by number, equal ones by the same."""

    def __init__(self, identify: Callable[[T], Any] = repr) -> None:
        self.things: list[T] = []
        self.names: list[tuple[str, ...]] = []
        """Of writes, found in each."""
        self._identify = identify
        self._numbers: dict[Any, int] = {}
        self._renamed: dict[Any, int] = {}

    def of(self, thing: T) -> int:
        identity = self._identify(thing)
        if identity not in self._numbers:
            self._numbers[identity] = len(self.things)
            self.things.append(thing)
            self.names.append(tuple(dict.fromkeys(_NAME.findall(repr(thing)))))
        return self._numbers[identity]

    def renamed(self, number: int, names: Mapping[str, str]) -> int:
        mine = tuple(names[name] for name in self.names[number])
        if mine == self.names[number]:
            return number
        key = number, mine
        if key not in self._renamed:
            self._renamed[key] = self.of(_rename(self.things[number], names))
        return self._renamed[key]


@dataclass(slots=True)
class Explorer:
    world: World
    history: Sequence[tuple[str, Change]]
    handlers: Mapping[str, Handler]
    """By the queue that feeds them."""
    agrees: Callable[[World], str | None]
    """What is wrong at the end, if anything."""
    bounds: Bounds
    whole: frozenset[str] = frozenset()
    """Queues whose handlers are of no interest here: an invocation is one step, and equal messages are
    one."""
    counted: frozenset[str] = frozenset()
    """Queues whose handlers look at how often a message came."""
    tables: Sequence[str] = ("data",)
    """That anything is written to."""
    stream: Callable[[dynamodb.Change], str | None] = lambda _: None
    """What is sent to the queue `changes` of a write to the data table, if anything."""
    waits: Callable[[Letter, Letter], bool] = lambda *_: False
    """Whether one is only handed out when the other has been dealt with."""
    report: Report = field(default_factory=Report)
    _snapshots: _Numbers[Snapshot] = field(default_factory=lambda: _Numbers(_identify_snapshot))
    _requests: _Numbers[Request] = field(default_factory=_Numbers)
    _answers: _Numbers[Any] = field(default_factory=_Numbers)
    _letters: _Numbers[Letter] = field(default_factory=_Numbers)
    _nodes: list[Node] = field(default_factory=list)
    _paths: dict[Path, int] = field(default_factory=dict)
    _performed: dict[tuple[int, int, Fault], tuple[int, int, tuple[int, ...]]] = field(default_factory=dict)
    _canonical: dict[Any, tuple[int, tuple[Mail, ...], tuple[Running, ...]]] = field(default_factory=dict)
    _verdicts: dict[int, str | None] = field(default_factory=dict)

    def explore(self) -> Report:
        """Look at every state that can be reached. Raises Violation at the first one that ends badly."""
        try:
            return self._explore()
        finally:
            for node in self._nodes:
                if node.held:
                    node.held.crash()

    def _explore(self) -> Report:
        first = State(self._snapshot(), 0, (), (), self.bounds.faults, self.bounds.leaps)
        schedules: dict[State, int] = {}
        following: dict[State, list[State]] = {first: []}
        path = [(first, "", self._steps(first))]
        while path:
            state, _, steps = path[-1]
            for label, unsorted in steps:
                after = self._canonized(unsorted)
                if after == state:
                    # A retry that found nothing new: it may go on so for ever, but it need not.
                    continue
                following[state].append(after)
                if after not in following:
                    following[after] = []
                    path.append((after, label, self._steps(after)))
                    break
            else:
                labels = [label for _, label, _ in path[1:]]
                if not self._judge(state, labels) and not following[state]:
                    raise _violation("nothing happens any more, and something is left to do", labels)
                # One that leads back to where it came from is such a retry, too.
                schedules[state] = sum(schedules.get(each, 0) for each in following[state]) or 1
                path.pop()
        self.report.states, self.report.schedules = len(following), schedules[first]
        return self.report

    def _judge(self, state: State, labels: Sequence[str]) -> bool:
        """Whether the state is an end, and if so a good one."""
        if state.running or state.done < len(self.history) or not all(map(self._is_stuck(state), state.mail)):
            return False
        if state.snapshot not in self._verdicts:
            self._restore(state.snapshot)
            self._verdicts[state.snapshot] = self.agrees(self.world)
        if wrong := self._verdicts[state.snapshot]:
            raise _violation(wrong, labels)
        self.report.ends += 1
        return True

    def _is_stuck(self, state: State) -> Callable[[Mail], bool]:
        """Whether a message comes again and again without effect: what it waits for is a mistake in the
        record."""

        def is_stuck(mail: Mail) -> bool:
            is_whole = self._letters.things[mail.letter].queue in self.whole
            return is_whole and self._canonized(self._run_whole(state, mail)[1]) == state

        return is_stuck

    def _steps(self, state: State) -> Iterator[tuple[str, State]]:
        for running in state.running:
            if self._is_urgent(self._nodes[running.node]):
                yield from self._go_on(state, running)
                return
        for running in sorted(set(state.running)):
            yield from self._go_on(state, running)
        if state.done < len(self.history):
            yield self._operate(state)
        for mail in sorted(set(state.mail)):
            if self._letters.things[mail.letter].queue in self.whole:
                yield self._run_whole(state, mail)
            elif len(state.running) < self.bounds.in_flight and not self._waits(state, mail):
                yield f"{self._name(mail)} begins", self._begin(state, mail)
        yield from self._let_time_pass(state)

    def _waits(self, state: State, mail: Mail) -> bool:
        letter = self._letters.things[mail.letter]
        if letter == LISTING and state.running:
            # A look from before an event was lost may be written after the sync: the next one finds that.
            return True
        others = {*state.mail, *(running.mail for running in state.running)} - {mail}
        return any(self.waits(letter, self._letters.things[other.letter]) for other in others)

    def _is_urgent(self, node: Node) -> bool:
        """Whether no schedule is missed if this call is made before anything else happens: the first of an
        invocation, which might as well have begun later, and those that commute with whatever others do."""
        request = self._requests.things[node.request or 0]
        return (
            not node.path.answers
            or request.operation == "HeadBucket"
            or request.parameters.get("QueueUrl") in self.whole
        )

    def _operate(self, state: State) -> tuple[str, State]:
        label, change = self.history[state.done]
        self._restore(state.snapshot)
        change(self.world)
        letters = self._collect() * self.bounds.copies[state.done]
        if state.done == self.bounds.lost:
            label, letters = f"{label}, and its event is lost", [self._letters.of(LISTING)]
        done = state._replace(snapshot=self._snapshot(), done=state.done + 1)
        return f"bucket: {label}", self._send(done, letters)

    def _begin(self, state: State, mail: Mail) -> State:
        clock = self._snapshots.things[state.snapshot].clock
        path = Path(mail.letter, mail.receives, clock, ())
        return self._settle(state._replace(mail=_without(state.mail, mail)), mail, path)

    def _go_on(self, state: State, running: Running) -> Iterator[tuple[str, State]]:
        node = self._nodes[running.node]
        if node.request is None:
            raise RuntimeError("an invocation that ended is still running")
        mail = running.mail
        label = f"{self._name(mail)}: {self._requests.things[node.request].operation}"
        rest = state._replace(running=_without(state.running, running))
        snapshot, answer, letters = self._perform(state.snapshot, node.request, faults.none)
        done = self._send(rest._replace(snapshot=snapshot), letters)
        yield label, self._settle(done, mail, _told(node.path, answer))
        if not state.faults:
            return
        rest, done = rest._replace(faults=state.faults - 1), done._replace(faults=state.faults - 1)
        yield f"{label}, but it crashed before", self._return(rest, mail)
        if done != rest:
            yield f"{label}, and it crashed after", self._return(done, mail)
        for fault in _FAULTS:
            snapshot, told, letters = self._perform(state.snapshot, node.request, fault)
            if (snapshot, told) != (done.snapshot, answer):
                faulty = self._send(rest._replace(snapshot=snapshot), letters)
                yield f"{label} ({fault.__name__})", self._settle(faulty, mail, _told(node.path, told))

    def _run_whole(self, state: State, mail: Mail) -> tuple[str, State]:
        others = set(state.running)
        after = self._begin(state, mail)
        while mine := [running for running in after.running if running not in others]:
            _, after = next(self._go_on(after, mine[0]))
        return f"{self._name(mail)} runs", after

    def _let_time_pass(self, state: State) -> Iterator[tuple[str, State]]:
        """No invocation outlives a leap, but some may be at work when DynamoDB takes a tombstone away."""
        if state.leaps and not state.running:
            self._restore(state.snapshot)
            self.world.clock += self.bounds.leap
            yield "time passes", state._replace(snapshot=self._snapshot(), leaps=state.leaps - 1)
        if self.bounds.leaps > state.leaps:
            self._restore(state.snapshot)
            if self.world.dynamodb.expire(self.world.clock):
                yield "a record expires", state._replace(snapshot=self._snapshot())

    def _settle(self, state: State, mail: Mail, path: Path) -> State:
        """With the invocation at its next call, or at its end."""
        node = self._nodes[number := self._node(path)]
        if node.request is None:
            return self._return(state, mail) if node.failed else state
        if self._requests.things[node.request] is _NEW_OP_ID:
            return self._settle(state, mail, _told(path, self._answers.of(self._free_name(state, path))))
        return state._replace(running=(*state.running, Running(mail, number)))

    def _free_name(self, state: State, path: Path) -> str:
        known = set(self._names(state)).union(*(self._answers.names[answer] for answer in path.answers))
        return next(name for n in range(len(known) + 1) if (name := f"op{n}") not in known)

    def _names(self, state: State) -> list[str]:
        """Of writes, as far as anything in the state knows of them, in an order that does not depend on
        them."""
        names = list(self._snapshots.names[state.snapshot])
        for running in state.running:
            for answer in self._nodes[running.node].path.answers:
                names += self._answers.names[answer]
        for mail in (*state.mail, *(running.mail for running in state.running)):
            names += self._letters.names[mail.letter]
        return names

    def _canonized(self, state: State) -> State:
        key = state.snapshot, state.mail, state.running
        if key not in self._canonical:
            running = sorted(state.running, key=self._order)
            ordered = state._replace(running=tuple(running), mail=tuple(sorted(state.mail)))
            names = {name: f"op{n}" for n, name in enumerate(dict.fromkeys(self._names(ordered)))}
            mail = tuple(sorted(self._renamed_mail(each, names) for each in state.mail))
            renamed = tuple(sorted(self._renamed(each, names) for each in running))
            self._canonical[key] = self._snapshots.renamed(state.snapshot, names), mail, renamed
        snapshot, mail, renamed = self._canonical[key]
        return state._replace(snapshot=snapshot, mail=mail, running=renamed)

    def _order(self, running: Running) -> tuple[Any, ...]:
        return running.mail, len(self._nodes[running.node].path.answers), running.node

    def _renamed_mail(self, mail: Mail, names: Mapping[str, str]) -> Mail:
        return mail._replace(letter=self._letters.renamed(mail.letter, names))

    def _renamed(self, running: Running, names: Mapping[str, str]) -> Running:
        mail, path = self._renamed_mail(running.mail, names), self._nodes[running.node].path
        answers = tuple(self._answers.renamed(answer, names) for answer in path.answers)
        return Running(mail, self._node(path._replace(letter=mail.letter, answers=answers)))

    def _node(self, path: Path) -> int:
        if path not in self._paths:
            self._paths[path] = len(self._nodes)
            self._nodes.append(self._arrive(path))
        return self._paths[path]

    def _arrive(self, path: Path) -> Node:
        """Run the real handler up to there."""
        invocation = self._invocation(path)
        if invocation.error:
            raise invocation.error
        if invocation.request is None:
            return Node(path, None, failed=bool(invocation.result["batchItemFailures"]))
        return Node(path, self._requests.of(invocation.request), held=invocation)

    def _invocation(self, path: Path) -> Invocation:
        self.world.clock = path.clock
        self.world.new_op_id = lambda: self.world.interpose(_NEW_OP_ID)  # type: ignore[misc]
        self.world.new_token = lambda: "token"
        if not path.answers:
            return self._invoke(path)
        *earlier, last = path.answers
        before = self._paths.get(path._replace(answers=tuple(earlier)))
        invocation = self._nodes[before].held if before is not None else None
        if invocation is None:
            invocation = self._invoke(path)
            for answer in earlier:
                invocation.answer(self._given(answer))
        elif before is not None:
            self._nodes[before].held = None
        invocation.answer(self._given(last))
        return invocation

    def _invoke(self, path: Path) -> Invocation:
        letter = self._letters.things[path.letter]
        attributes = {"ApproximateReceiveCount": str(path.receives + 1)}
        message = {"messageId": "m", "body": letter.body, "attributes": attributes}
        return Invocation(self.world, lambda: self.handlers[letter.queue](message))

    def _given(self, answer: int) -> Callable[[Request], Any]:
        def give(_: Request) -> Any:
            given = self._answers.things[answer]
            if isinstance(given, Exception):
                raise given
            return _copied(given)

        return give

    def _perform(self, snapshot: int, request: int, fault: Fault) -> tuple[int, int, tuple[int, ...]]:
        """What becomes of AWS, what is answered, and which messages are sent."""
        key = snapshot, request, fault
        if key not in self._performed:
            self._restore(snapshot)
            self.world.calls.clear()
            answer: Any
            try:
                answer = fault(self.world, self._requests.things[request])
            except Exception as error:
                answer = error
            letters = tuple(self._collect())
            self._performed[key] = self._snapshot(), self._answers.of(answer), letters
        return self._performed[key]

    def _collect(self) -> list[int]:
        """Take what lies in the queues, and the events that S3 has told of."""
        letters = []
        for name, queue in self.world.sqs.queues.items():
            letters += [Letter(name, message.body) for message in queue.visible.values()]
            queue.visible.clear()
        letters += [Letter("events", s3_notification(event)) for event in self.world.s3.events]
        self.world.s3.events.clear()
        written = self.world.dynamodb.tables["data"].changes
        letters += [Letter("changes", body) for body in map(self.stream, written) if body]
        written.clear()
        return [self._letters.of(letter) for letter in letters]

    def _send(self, state: State, letters: Sequence[int]) -> State:
        mail = list(state.mail)
        for letter in letters:
            new = Mail(letter, 0)
            if new not in mail or self._letters.things[letter].queue not in self.whole:
                mail.append(new)
        return state._replace(mail=tuple(sorted(mail)))

    def _return(self, state: State, mail: Mail) -> State:
        """The message comes again."""
        counts = self._letters.things[mail.letter].queue in self.counted
        again = mail._replace(receives=mail.receives + counts)
        return state._replace(mail=tuple(sorted((*state.mail, again))))

    def _snapshot(self) -> int:
        buckets = self.world.s3.buckets
        return self._snapshots.of(
            Snapshot(
                self.world.clock,
                {name: dict(bucket.objects) for name, bucket in buckets.items()},
                {name: bucket.changes for name, bucket in buckets.items()},
                {name: dict(self.world.dynamodb.tables[name].items) for name in self.tables},
            )
        )

    def _restore(self, number: int) -> None:
        snapshot = self._snapshots.things[number]
        self.world.clock = snapshot.clock
        for name, bucket in self.world.s3.buckets.items():
            bucket.objects, bucket.changes = dict(snapshot.objects[name]), snapshot.changes[name]
        for name, items in snapshot.items.items():
            self.world.dynamodb.tables[name].items = dict(items)
        self.world.dynamodb.tokens.clear()

    def _name(self, mail: Mail) -> str:
        return f"{self._letters.things[mail.letter].queue} {mail.letter}"


def _violation(wrong: str, labels: Sequence[str]) -> Violation:
    return Violation("\n".join([wrong, *(f"{n:3} {label}" for n, label in enumerate(labels, 1))]))


def _told(path: Path, answer: int) -> Path:
    return path._replace(answers=(*path.answers, answer))


def _without[T](things: tuple[T, ...], thing: T) -> tuple[T, ...]:
    at = things.index(thing)
    return things[:at] + things[at + 1 :]


def _identify_snapshot(snapshot: Snapshot) -> Any:
    return (
        snapshot.clock,
        tuple(frozenset(objects.items()) for objects in snapshot.objects.values()),
        tuple(snapshot.changes.values()),
        tuple(
            frozenset((key, frozenset(item.items())) for key, item in items.items())
            for items in snapshot.items.values()
        ),
    )


def _copied(answer: Any) -> Any:
    match answer:
        case dict():
            return {key: _copied(value) for key, value in answer.items()}
        case list():
            return [_copied(each) for each in answer]
        case Content():
            return answer.again()
    return answer


def _rename(thing: Any, names: Mapping[str, str]) -> Any:
    match thing:
        case str():
            return _NAME.sub(lambda match: names[match[0]], thing)
        case dict():
            return {_rename(key, names): _rename(value, names) for key, value in thing.items()}
        case list():
            return [_rename(each, names) for each in thing]
        case Snapshot() | Letter():
            return type(thing)(*(_rename(each, names) for each in thing))
        case tuple():
            return tuple(_rename(each, names) for each in thing)
    return thing
