"""Which space is live, as far as this process knows: one object for all that has to, so that a switch is one step."""

from app.domain.spaces import Space


class LiveSpace:
    """The live space, of one model's features; it changes between two steps of the loop, never within one."""

    def __init__(self, raw: Space) -> None:
        """`raw` is the space of the features themselves, live until another is known to be."""
        self._raw = raw
        self._space = raw
        self._version = 0

    @property
    def raw(self) -> Space:
        """The space of the features themselves."""
        return self._raw

    @property
    def fingerprint(self) -> str:
        """That of the model, whatever is live."""
        return self._raw.fingerprint

    @property
    def space(self) -> Space:
        """The live one: whoever works in it over several steps takes it once."""
        return self._space

    def is_older(self, version: int) -> bool:
        """Whether a pointer of this version says something new."""
        return self._version < version

    def switch(self, space: Space, version: int) -> None:
        """Make a space the live one, as the pointer of this version says; what an earlier one said comes too late."""
        if version >= self._version:
            self._space, self._version = space, version
