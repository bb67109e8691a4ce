"""Who says what is good: synthetic teachers, rules, judges, people."""
