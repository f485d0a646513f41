"""How an app without a Procfile is started, as detection found it; no behaviour."""

from portside.model.facts import Notice, Process
from portside.model.record import Record


class StartCommands(Record, frozen=True):
    """The process types that were found, each with the file and line that is its evidence.

    ``ambiguous`` are candidates for one process type of which none stands out: all of them or
    none is shown, and none is in ``processes``. ``added_requirements`` are what must be installed
    beside the app's own dependencies for the commands to work.
    """

    processes: tuple[Process, ...] = ()
    ambiguous: tuple[Process, ...] = ()
    added_requirements: tuple[str, ...] = ()
    notices: tuple[Notice, ...] = ()
