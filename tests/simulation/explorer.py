"""A model checker that runs the real handlers.

A handler that is given the same message, the same time and the same answers makes the same next call. So each
invocation is a path through a tree that grows by running the real code, and a state of the whole is small: what is in
AWS, how far the bucket's own history has come, which messages wait, and where in its tree each invocation stands.
Every state is looked at once, however many schedules lead to it; their number is counted all the same.
"""

import copy
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import count
from typing import Any, NamedTuple

from tests.simulation import faults
from tests.simulation.fakes.events import s3_notification
from tests.simulation.fakes.world import Request, World
from tests.simulation.faults import Fault
from tests.simulation.invocation import Invocation

type Handler = Callable[[dict[str, Any]], dict[str, Any]]
type Change = Callable[[World], object]
"""One of the operations on the bucket that a history consists of."""


class Violation(AssertionError):
    """The end of some schedule is not as it must be. The message is that schedule."""


class Letter(NamedTuple):
    queue: str
    body: str


_LISTING = Letter("listing", "")
_NEW_OP_ID = Request("", "new op id", {})


class Mail(NamedTuple):
    """All copies of one message."""

    letter: int
    waiting: tuple[int, ...]
    """How often each copy was received before."""


class Running(NamedTuple):
    letter: int
    receives: int
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
    """Of many days, that may still happen."""


@dataclass(slots=True)
class Node:
    """A point in an invocation: all that it was told so far, and what it asks next."""

    start: "Start"
    answers: tuple[int, ...]
    request: int | None = None
    failed: bool = False
    children: dict[int, int] = field(default_factory=dict)
    held: Invocation | None = None
    """The invocation itself, as long as nobody has led it on."""


class Start(NamedTuple):
    letter: int
    receives: int
    clock: float


class Snapshot(NamedTuple):
    clock: float
    buckets: Mapping[str, Any]
    items: Mapping[Any, Any]


@dataclass(slots=True, kw_only=True)
class Bounds:
    in_flight: int = 2
    """Invocations at the same time."""
    copies: int = 2
    """Of every event."""
    faults: int = 1
    leaps: int = 0
    lost: int | None = None
    """The operation whose event is never delivered. A listing is made some time after it."""


@dataclass(slots=True)
class Report:
    states: int = 0
    steps: int = 0
    schedules: int = 0
    runs: int = 0
    """Of real handlers."""


_NAME = re.compile(r"\bop(\d+)\b")


class _Table[T]:
    """Things by number, equal ones by the same."""

    def __init__(self) -> None:
        self.things: list[T] = []
        self.names: list[frozenset[int]] = []
        """Of invocations, found in each."""
        self._numbers: dict[Any, int] = {}

    def number(self, identity: Any, thing: T) -> int:
        found = self._numbers.get(identity)
        if found is None:
            found = self._numbers[identity] = len(self.things)
            self.things.append(thing)
            self.names.append(frozenset(map(int, _NAME.findall(repr(thing)))))
        return found


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
    """Queues whose handlers are of no interest here: their invocations are one step each."""
    report: Report = field(default_factory=Report)
    _snapshots: _Table[Snapshot] = field(default_factory=_Table)
    _requests: _Table[Request] = field(default_factory=_Table)
    _answers: _Table[Any] = field(default_factory=_Table)
    _letters: _Table[Letter] = field(default_factory=_Table)
    _nodes: list[Node] = field(default_factory=list)
    _starts: dict[Start, int] = field(default_factory=dict)
    _performed: dict[tuple[int, int, Fault], tuple[int, int, tuple[int, ...]]] = field(default_factory=dict)
    _verdicts: dict[int, str | None] = field(default_factory=dict)

    def explore(self) -> Report:
        """Look at every state that can be reached. Raises Violation at the first one that ends badly."""
        first = State(self._snapshot(), 0, (), (), self.bounds.faults, self.bounds.leaps)
        schedules: dict[State, int] = {}
        path: list[tuple[State, str, Iterator[tuple[str, State]], list[State]]] = []
        path.append((first, "", self._steps(first), []))
        seen = {first}
        while path:
            state, _, steps, after = path[-1]
            for label, following in steps:
                self.report.steps += 1
                after.append(following)
                if following not in seen:
                    seen.add(following)
                    path.append((following, label, self._steps(following), []))
                    break
            else:
                self._judge(state, [label for _, label, _, _ in path if label])
                # A retry may lead back to a state that is still open: such a loop is no schedule of its own.
                schedules[state] = sum(schedules.get(each, 0) for each in after) or 1
                path.pop()
        self.report.states, self.report.schedules = len(seen), schedules[first]
        return self.report

    def _judge(self, state: State, labels: Sequence[str]) -> None:
        if state.running or state.done < len(self.history) or state.mail:
            return
        if state.snapshot not in self._verdicts:
            self._restore(state.snapshot)
            self._verdicts[state.snapshot] = self.agrees(self.world)
        if wrong := self._verdicts[state.snapshot]:
            raise Violation("\n".join([wrong, *(f"{n:3} {label}" for n, label in enumerate(labels, 1))]))

    def _steps(self, state: State) -> Iterator[tuple[str, State]]:
        for running in state.running:
            if self._is_urgent(self._nodes[running.node]):
                yield from self._go_on(state, running)
                return
        for running in state.running:
            yield from self._go_on(state, running)
        if state.done < len(self.history):
            yield self._operate(state)
        for mail in state.mail:
            for receives in sorted(set(mail.waiting)):
                if self._letters.things[mail.letter].queue in self.whole:
                    yield self._run_whole(state, mail, receives)
                elif len(state.running) < self.bounds.in_flight:
                    yield self._begin(state, mail, receives)
        yield from self._let_time_pass(state)

    def _is_urgent(self, node: Node) -> bool:
        """Whether no schedule is missed if this call is made before anything else happens: the first of an invocation,
        which may as well begin later, and those that commute with whatever the others do."""
        if not node.answers:
            return True
        request = self._requests.things[node.request or 0]
        return (
            request is _NEW_OP_ID
            or request.operation == "HeadBucket"
            or request.parameters.get("QueueUrl") in self.whole
        )

    def _operate(self, state: State) -> tuple[str, State]:
        label, change = self.history[state.done]
        self._restore(state.snapshot)
        change(self.world)
        letters = self._collect() * self.bounds.copies
        if state.done == self.bounds.lost:
            label += ", and its event is lost"
            letters = [self._letters.number(_LISTING, _LISTING)]
        done = state._replace(snapshot=self._snapshot(), done=state.done + 1)
        return f"bucket: {label}", self._send(done, letters)

    def _begin(self, state: State, mail: Mail, receives: int) -> tuple[str, State]:
        clock = self._snapshots.things[state.snapshot].clock
        start = Start(mail.letter, receives, clock)
        if start not in self._starts:
            self._starts[start] = self._grow(Node(start, ()), self._invoke(start))
        running = Running(mail.letter, receives, self._starts[start])
        begun = _taken(state, mail, receives)
        return f"{self._name(running)} begins", self._settled(begun, running)

    def _go_on(self, state: State, running: Running) -> Iterator[tuple[str, State]]:
        node = self._nodes[running.node]
        if node.request is None:
            raise RuntimeError("an invocation that ended is still running")
        others = list(state.running)
        others.remove(running)
        rest = state._replace(running=tuple(others))
        if self._requests.things[node.request] is _NEW_OP_ID:
            name = f"op{self._free_name(state)}"
            yield "", self._led_on(rest, running, self._answers.number(name, name))
            return
        call = f"{self._name(running)}: {self._requests.things[node.request].operation}"
        snapshot, answer, letters = self._perform(state.snapshot, node.request, faults.none)
        done = self._send(rest._replace(snapshot=snapshot), letters)
        yield call, self._led_on(done, running, answer)
        if not state.faults:
            return
        rest, done = rest._replace(faults=state.faults - 1), done._replace(faults=state.faults - 1)
        yield f"{call}, but it crashed before", self._returned(rest, running)
        if done.snapshot != rest.snapshot or done.mail != rest.mail:
            yield f"{call}, and it crashed after", self._returned(done, running)
        for fault in (faults.throttled, faults.lost, faults.repeated):
            snapshot, told, letters = self._perform(state.snapshot, node.request, fault)
            if (snapshot, told) != (done.snapshot, answer):
                faulty = self._send(rest._replace(snapshot=snapshot), letters)
                yield f"{call} ({fault.__name__})", self._led_on(faulty, running, told)

    def _run_whole(self, state: State, mail: Mail, receives: int) -> tuple[str, State]:
        _, begun = self._begin(state, mail, receives)
        label = f"{self._letters.things[mail.letter].queue} runs"
        while mine := [each for each in begun.running if each.letter == mail.letter]:
            _, begun = next(self._go_on(begun, mine[0]))
        return label, begun

    def _let_time_pass(self, state: State) -> Iterator[tuple[str, State]]:
        """No invocation outlives a leap, but one may be at work when DynamoDB takes a tombstone away."""
        if state.leaps and not state.running:
            self._restore(state.snapshot)
            self.world.clock += 9 * 24 * 3600
            yield "nine days pass", state._replace(snapshot=self._snapshot(), leaps=state.leaps - 1)
        if self.bounds.leaps:
            self._restore(state.snapshot)
            if self.world.dynamodb.expire(self.world.clock):
                yield "the tombstone expires", state._replace(snapshot=self._snapshot())

    def _led_on(self, state: State, running: Running, answer: int) -> State:
        node = self._nodes[running.node]
        if answer not in node.children:
            node.children[answer] = self._lead(node, answer)
        return self._settled(state, running._replace(node=node.children[answer]))

    def _settled(self, state: State, running: Running) -> State:
        node = self._nodes[running.node]
        if node.request is not None:
            return state._replace(running=tuple(sorted((*state.running, running))))
        return self._returned(state, running) if node.failed else state

    def _returned(self, state: State, running: Running) -> State:
        """The message comes again."""
        return _posted(state, running.letter, running.receives + 1)

    def _lead(self, node: Node, answer: int) -> int:
        """The node that follows when the call of this one is answered so."""
        invocation, node.held = node.held, None
        if invocation is None:
            invocation = self._invoke(node.start)
            for earlier in node.answers:
                self._tell(invocation, node.start, earlier)
        self._tell(invocation, node.start, answer)
        return self._grow(Node(node.start, (*node.answers, answer)), invocation)

    def _grow(self, node: Node, invocation: Invocation) -> int:
        if invocation.request is not None:
            node.request = self._requests.number(repr(invocation.request), invocation.request)
            node.held = invocation
        elif invocation.error:
            raise invocation.error
        else:
            node.failed = bool(invocation.result["batchItemFailures"])
        self._nodes.append(node)
        return len(self._nodes) - 1

    def _invoke(self, start: Start) -> Invocation:
        self.report.runs += 1
        letter = self._letters.things[start.letter]
        attributes = {"ApproximateReceiveCount": str(start.receives + 1)}
        message = {"messageId": "m", "body": letter.body, "attributes": attributes}
        self.world.clock = start.clock
        self.world.new_op_id = lambda: self.world.interpose(_NEW_OP_ID)  # type: ignore[misc]
        return Invocation(self.world, lambda: self.handlers[letter.queue](message))

    def _tell(self, invocation: Invocation, start: Start, answer: int) -> None:
        given = self._answers.things[answer]
        self.world.clock = start.clock
        invocation.answer(lambda _: _reveal(given))

    def _perform(self, snapshot: int, request: int, fault: Fault) -> tuple[int, int, tuple[int, ...]]:
        """What becomes of AWS, what is answered, and which messages are sent."""
        key = snapshot, request, fault
        if key not in self._performed:
            self._restore(snapshot)
            self.world.calls.clear()
            answer: Any
            try:
                answer = fault(self.world, self._requests.things[request])
            except Exception as error:  # noqa: BLE001
                answer = error
            letters = tuple(self._collect())
            self._performed[key] = self._snapshot(), self._answers.number(repr(answer), answer), letters
        return self._performed[key]

    def _collect(self) -> list[int]:
        """Take what lies in the queues, and the events that S3 has told of since."""
        letters = []
        for name, queue in self.world.sqs.queues.items():
            letters += [Letter(name, message.body) for message in queue.visible.values()]
            queue.visible.clear()
        letters += [Letter("events", s3_notification(event)) for event in self.world.s3.events]
        self.world.s3.events.clear()
        return [self._letters.number(letter, letter) for letter in letters]

    def _send(self, state: State, letters: Sequence[int]) -> State:
        for letter in letters:
            known = any(mail.letter == letter for mail in state.mail)
            if not known or self._letters.things[letter].queue not in self.whole:
                state = _posted(state, letter, 0)
        return state

    def _snapshot(self) -> int:
        world = self.world
        buckets = {name: (dict(b.objects), b.changes) for name, b in world.s3.buckets.items()}
        items = dict(world.dynamodb.tables["data"].items)
        identity = (
            world.clock,
            tuple((name, frozenset(objects.items()), n) for name, (objects, n) in buckets.items()),
            frozenset((key, frozenset(item.items())) for key, item in items.items()),
        )
        return self._snapshots.number(identity, Snapshot(world.clock, buckets, items))

    def _restore(self, snapshot: int) -> None:
        clock, buckets, items = self._snapshots.things[snapshot]
        self.world.clock = clock
        for name, (objects, changes) in buckets.items():
            self.world.s3.buckets[name].objects = dict(objects)
            self.world.s3.buckets[name].changes = changes
        self.world.dynamodb.tables["data"].items = dict(items)

    def _free_name(self, state: State) -> int:
        """The lowest that nothing in the state knows of: such names are random in truth, so any will do."""
        known = set(self._snapshots.names[state.snapshot])
        for mail in state.mail:
            known |= self._letters.names[mail.letter]
        for running in state.running:
            node = self._nodes[running.node]
            known = known.union(*(self._answers.names[answer] for answer in node.answers))
        return next(name for name in count() if name not in known)

    def _name(self, running: Running) -> str:
        return f"{self._letters.things[running.letter].queue} {running.letter}"


def _posted(state: State, letter: int, receives: int) -> State:
    boxes = {mail.letter: mail.waiting for mail in state.mail}
    boxes[letter] = tuple(sorted((*boxes.get(letter, ()), receives)))
    return state._replace(mail=tuple(Mail(*box) for box in sorted(boxes.items())))


def _taken(state: State, box: Mail, receives: int) -> State:
    waiting = list(box.waiting)
    waiting.remove(receives)
    left = (box._replace(waiting=tuple(waiting)),) if waiting else ()
    return state._replace(mail=tuple(sorted((*(mail for mail in state.mail if mail is not box), *left))))


def _reveal(answer: Any) -> Any:
    if isinstance(answer, Exception):
        raise answer
    return copy.deepcopy(answer)
