"""Evalscripts, run in a real JavaScript engine in a child process: their facts for pricing and checking, their pixels
for the sandbox. Begin with `engine`; `cache` has the engine that all threads share.
"""
