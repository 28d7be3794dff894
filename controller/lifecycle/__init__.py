"""The life of a submission as rules: next step, claim, evidence, verdict, phase, status. Pure."""
