"""Matches the patterns of an ignore list, all at once and in linear time: a hostile pattern cannot stop a scan.

Every pattern is a chain of states, and all states are bits of one number: a state's bit is set when the characters so
far match its pattern up to there. A further character takes a few operations on the number, whatever the patterns.
"""

from bisect import bisect_right
from collections import defaultdict
from collections.abc import Iterable
from itertools import accumulate
from operator import xor

from controller.tree.ignore.pattern import CharacterClass, Pattern, Token, Wildcard

_MOST_MASKS = 4096  # characters whose masks are kept


class IgnoreList:
    """Patterns in their order, of which the last that matches decides.

    `begin` is the state before the first character of a path, which is relative to the folder of the list.
    """

    def __init__(self, patterns: Iterable[Pattern]) -> None:
        self.begin = 0
        self.size = 0
        """The number of states."""
        self._letters: dict[str, int] = {}
        self._classes: list[tuple[CharacterClass, int]] = []
        self._within = 0  # left by any character but a slash
        self._onward = 0  # left by any character
        self._stays = 0  # kept by any character but a slash
        self._stays_ever = 0
        self._skips = 0  # in a folder that `**/` skips, whose slash leads to the next state
        self._restarts = 0  # behind `**/`
        self._ends = 0
        self._negated = 0
        self._for_folders = 0
        self._masks: dict[str, int] = {}
        for pattern in patterns:
            self._add(pattern)
        self._borders, self._between = _masks_of(self._classes)

    def feed(self, state: int, text: str) -> int:
        """The state after further characters of a path."""
        masks = self._masks
        for letter in text:
            mask = masks.get(letter)
            moved = (state & (self._mask(letter) if mask is None else mask)) << 1
            if letter == "/":
                # Behind a slash a skipped folder may begin, or the part behind the `**/`.
                moved |= (moved & self._skips) << 1 | (moved & self._restarts) >> 1
                state = moved | state & self._stays_ever
            else:
                state = moved | state & self._stays
        return state

    def verdict(self, state: int, *, is_folder: bool) -> bool | None:
        """Whether the path that led to this state is ignored; None: no pattern matches it."""
        matched = state & (self._ends if is_folder else self._ends & ~self._for_folders)
        if not matched:
            return None
        return not self._negated >> (matched.bit_length() - 1) & 1

    def _add(self, pattern: Pattern) -> None:
        bit = first = 1 << self.size
        for token in pattern.tokens:
            bit = self._chain(token, bit)
        self.begin |= first
        if pattern.tokens[0] is Wildcard.FOLDERS:
            self.begin |= first << 1
        self._ends |= bit
        self._negated |= bit if pattern.is_negated else 0
        self._for_folders |= bit if pattern.is_for_folders else 0
        self.size = bit.bit_length()

    def _chain(self, token: Token, bit: int) -> int:
        """Append a token at the state of this bit; returns the bit of the state behind it."""
        if token is Wildcard.SOME:
            self._stays |= bit
            return bit
        if token is Wildcard.FOLDERS:
            self._skips |= bit
            self._stays |= bit
            self._restarts |= bit << 1
            self._letters["/"] = self._letters.get("/", 0) | bit
        elif token is Wildcard.INSIDE:
            self._onward |= bit
            self._stays |= bit << 1
            self._stays_ever |= bit << 1
        elif token is Wildcard.ANY:
            self._within |= bit
        elif isinstance(token, CharacterClass):
            self._classes.append((token, bit))
        elif isinstance(token, str):
            self._letters[token] = self._letters.get(token, 0) | bit
        return bit << 1

    def _mask(self, letter: str) -> int:
        """The states that this character leads on from."""
        mask = self._letters.get(letter, 0) | self._onward
        if letter != "/":
            mask |= self._within | self._between[bisect_right(self._borders, ord(letter))]
        if len(self._masks) < _MOST_MASKS:
            self._masks[letter] = mask
        return mask


def _masks_of(classes: Iterable[tuple[CharacterClass, int]]) -> tuple[list[int], list[int]]:
    """The code points at which other classes match than before, and the states of those that match, before and between.

    Made once: to ask each of thousands of classes for a character takes milliseconds, and a scan has many characters.
    """
    changes: defaultdict[int, int] = defaultdict(int)
    first = 0
    for each, bit in classes:
        first |= bit if each.is_negated else 0
        for border in each.borders():
            changes[border] ^= bit
    borders = sorted(changes)
    return borders, list(accumulate(map(changes.__getitem__, borders), xor, initial=first))
