"""Evalscripts, run in a real JavaScript engine in a child process: their facts for pricing and checking, their pixels
for the sandbox.
"""

from controller.evalscript.cache import close_shared, facts, rehearsal
from controller.evalscript.engine import UNNAMED, Engine, PixelBlock, Planes, Samples, ScenePlan

__all__ = ["UNNAMED", "Engine", "PixelBlock", "Planes", "Samples", "ScenePlan", "close_shared", "facts", "rehearsal"]
