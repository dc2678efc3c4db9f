"""How a name sounds, so that names spelt differently meet."""

from __future__ import annotations

_CODES = {
    letter: code
    for code, letters in enumerate(("bfpv", "cgjkqsxz", "dt", "l", "mn", "r"), start=1)
    for letter in letters
}


def soundex(text: str) -> str:
    """The Soundex code (Russell 1918; American rules) of the last part of a normalised name; empty of nothing.

    Examples
    --------
    >>> [soundex(text) for text in ("robert", "rupert", "ashcraft", "tymczak", "pfister", "")]
    ['R163', 'R163', 'A261', 'T522', 'P236', '']
    """
    word = text.rpartition(" ")[2]
    if not word:
        return ""
    out, last = word[0].upper(), _CODES.get(word[0])
    for letter in word[1:]:
        code = _CODES.get(letter)
        if code is not None and code != last:
            out += str(code)
            if len(out) == 4:
                return out
        if letter not in "hw":
            last = code
    return out.ljust(4, "0")
