"""Which Python series are supported, deprecated or past their end, as data; it decides nothing."""

import datetime as dt

from portside.model.python_version import Series
from portside.model.record import Record


class PythonPolicy(Record, frozen=True):
    """The rules about series. Supported are all from ``oldest_supported`` to ``newest_known``.

    ``deprecated`` are older series that still build, with a warning; those of
    ``deprecated_on_stack`` do so on the stack named with them only. ``end_of_life`` has the day
    upstream ends its support of a series.
    """

    default: Series
    oldest_supported: Series
    newest_known: Series
    deprecated: tuple[Series, ...]
    end_of_life: tuple[tuple[Series, dt.date], ...]
    deprecated_on_stack: tuple[tuple[Series, str], ...] = ()

    @property
    def supported(self) -> tuple[Series, ...]:
        """Return the supported series, newest first."""
        newest, oldest = self.newest_known, self.oldest_supported
        return tuple(
            Series(newest.major, minor) for minor in range(newest.minor, oldest.minor - 1, -1)
        )

    def deprecated_for(self, stack: str | None) -> tuple[Series, ...]:
        """Return the series that are deprecated on ``stack``; None stands for no stack at all."""
        only_here = (series for series, name in self.deprecated_on_stack if name == stack)
        return (*self.deprecated, *only_here)

    def end_of(self, series: Series) -> dt.date | None:
        """Return the day upstream support of ``series`` ends, or None where it isn't known."""
        return dict(self.end_of_life).get(series)
