"""`scripts/bench --hostile`: all kinds of hostile traffic at once, beside a real match that must not notice.

The server runs on one core. The crew of the real match and the attackers share the other, where attackers get what the
crew leaves: they are processes of lowest priority. `rows` says what attackers do, `attackers` does it, `crew` plays the
match, `watch` looks at the server meanwhile, and `verdict` says whether everything held.
"""
