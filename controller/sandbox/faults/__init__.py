"""Fault injection in the sandbox."""

from controller.sandbox.faults.faults import Fault as Fault
