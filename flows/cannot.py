"""Why something that a person asked for is not done."""


class Cannot(Exception):
    """``text`` says why and ``action`` what to do, both for a page."""

    def __init__(self, text: str, action: str) -> None:
        super().__init__(text)
        self.text, self.action = text, action
