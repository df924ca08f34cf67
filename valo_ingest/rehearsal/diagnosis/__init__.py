"""Why does the HUD show nothing? Looks at every link of the chain, and names the one that is broken.

How to use it: describe what is looked at as `checkup.Subject`, and take the findings of `checkup.examine` one by one.
Nothing that is asked opens a match or changes one. What a server counts as a refusal because of a look at it names
`valo-ingest doctor`.
"""
