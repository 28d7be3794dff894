"""Why there is no new tree, as exceptions inside this room: the message is the sentence that a user reads."""


class SourceError(Exception):
    """Nothing could be fetched, for now."""


class RefusedCommitError(SourceError):
    """This commit may not be in force, whenever it is looked at."""


class TooSoonError(SourceError):
    """It failed a moment ago; it is tried again later."""


class DamagedMirrorError(SourceError):
    """What was fetched before cannot be read."""
