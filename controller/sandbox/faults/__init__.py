"""What the sandbox does wrong on purpose."""

from controller.sandbox.faults.faults import Fault as Fault
