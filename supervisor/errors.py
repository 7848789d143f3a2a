"""The errors of supervision.

Exception
├─ RestartsExhausted     a supervisor gave up: its parent decides, or the process ends
└─ InjectedCrash         `Supervisor.crash` was called; a child never sees it, it is only reported
"""


class RestartsExhausted(Exception):
    """More restarts than the intensity allows; the last crash is the `__cause__`, where there was one.

    The supervisor has stopped its children before it raises this.
    """


class InjectedCrash(Exception):
    """Stands in for the bug that `Supervisor.crash` pretends."""
