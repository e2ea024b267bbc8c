"""Reads lines of the Common Event Format. Each question holds `line`; the answer is what pycef understood of it, or null."""

from lines import answer
from pycef import parse

answer(lambda question: parse(question["line"]))
