"""Events on their way to their listeners, off the device's thread."""

from __future__ import annotations

import logging
from queue import Empty, SimpleQueue
from threading import Thread

from limner.batching.events import Event, Listener

__all__ = ["Mailbox"]

_logger = logging.getLogger(__name__)
# How long `close` waits for a listener that does not return.
_PATIENCE = 5.0


class Mailbox:
    """Hands over events in the order in which they were posted, so that nobody who posts one ever waits."""

    def __init__(self) -> None:
        self._letters: SimpleQueue[tuple[Listener, Event] | None] = SimpleQueue()
        self._thread: Thread | None = None

    def post(self, listener: Listener, event: Event) -> None:
        """Put in an event; returns at once."""
        self._letters.put((listener, event))

    def start(self) -> None:
        """Hand over from now on, in a thread of its own."""
        self._thread = Thread(target=self._run, name="limner-listeners", daemon=True)
        self._thread.start()

    def deliver(self) -> None:
        """Hand over by hand what lies here now, where no thread does."""
        try:
            while self._hand_over(wait=False):
                pass
        except Empty:
            return

    def close(self) -> None:
        """Hand over what is left, and end the thread."""
        if self._thread is None:
            self.deliver()
            return
        self._letters.put(None)
        self._thread.join(_PATIENCE)
        if self._thread.is_alive():
            _logger.warning("A listener has not returned within %g s: it must never wait", _PATIENCE)

    def _run(self) -> None:
        while self._hand_over(wait=True):
            pass

    def _hand_over(self, *, wait: bool) -> bool:
        """Hand over one event; False at the end. A call of its own, so that no event is kept while waiting."""
        letter = self._letters.get(wait)
        if letter is None:
            return False
        listener, event = letter
        try:
            listener(event)
        except Exception:
            # One caller's fault must not keep the others from hearing of their pictures.
            _logger.exception("The listener of a request failed at %s", type(event).__name__)
        return True
