from collections.abc import Callable
from typing import Any

from greenlet import GreenletExit, getcurrent, greenlet

from tests.simulation.fakes.world import Request, World


class Invocation:
    """One run of a handler, held at each of its calls to AWS until somebody answers."""

    request: Request | None = None
    """The call that it waits at."""
    result: Any = None
    error: Exception | None = None
    """What it ended with instead of a result."""

    def __init__(self, world: World, handler: Callable[[], Any]) -> None:
        self._world = world
        self._greenlet = greenlet(handler)
        self._go(self._greenlet.switch)

    @property
    def ended(self) -> bool:
        return self.request is None

    def answer(self, act: Callable[[Request], Any]) -> None:
        """Let the call be answered, or fail, as `act` does; then run on to the next call or the end."""
        request = self.request
        if request is None:
            raise RuntimeError("an invocation that has ended waits for nothing")
        try:
            given = act(request)
        except Exception as error:
            failure = error
            self._go(lambda: self._greenlet.throw(failure))
        else:
            self._go(lambda: self._greenlet.switch(given))

    def crash(self) -> None:
        """As when the machine is gone: nothing of what it was about to do happens."""
        self._world.interpose = _refuse
        self._greenlet.throw(GreenletExit)
        self._world.interpose = None
        self.request = None

    def _go(self, resume: Callable[[], Any]) -> None:
        self._world.interpose = getcurrent().switch
        given = None
        try:
            given = resume()
        except Exception as error:
            self.error = error
        finally:
            self._world.interpose = None
        self.request, self.result = (None, given) if self._greenlet.dead else (given, None)


def _refuse(request: Request) -> Any:
    raise GreenletExit
