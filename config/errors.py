"""The one error of the settings; it stands alone because config imports nothing of ours."""


class SettingsError(Exception):
    """A setting is wrong: raised at start, before anything runs. Says which one, what is wrong and what to write."""

    def __init__(self, place: str, problem: str, cure: str) -> None:
        super().__init__(f"{place}: {problem}; {cure}")
        self.place = place
        self.problem = problem
        self.cure = cure
