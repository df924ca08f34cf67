"""Running matches: who may write what, and the one place where state is replaced."""
