"""Load tests, with locust: whole venues of simulated matches against a running server.

`scenario` says what is played and what it may cost; `sightings` measures the time from an event to the overlay that
shows it; `users` are the clients, as locust's users (`senders` and `onlookers`); `running` carries a scenario out;
`summary`, `capacity` and `report` say what came of it. Only the users and `running` need locust, which patches the
standard library when it is imported; the others are plain functions of values.
"""
