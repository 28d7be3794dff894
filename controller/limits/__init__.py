"""What holds a submission back: breaker, rate, large-change guard, budget, settling. Pure."""
