"""What tests print."""


class Captured:
    """Keeps what the tests print out of the report, and little of it."""

    encoding = "utf-8"

    def __init__(self):
        self.parts = []
        self.size = 0

    def write(self, text):
        if self.size < 16384:
            self.parts.append(text[: 16384 - self.size])
            self.size += len(text)
        return len(text)

    def flush(self):
        pass

    def isatty(self):
        return False
