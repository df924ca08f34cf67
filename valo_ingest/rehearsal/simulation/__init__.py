"""A made-up match: what its clients would have sent, and when. A pure function of a seed.

Theory of operation
-------------------
`matches.SimulatedMatch` plays on an `agenda.Agenda`, a list of what is to be done at which instant of made-up time.
For every round, each player's purchases are decided (`shop`), then how the round goes (`plans`): who wins and why, who
kills whom and when. `shopping` and `combat` put that on the agenda; it changes the players (`fighters`), and the `feed`
writes down what the observer client and the players' auxiliary clients send of it. Nobody here looks at a clock or
opens a socket; all chance comes from the seed. The numbers in `measured` are those of real recordings.
"""
